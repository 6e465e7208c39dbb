"""The page that describes the API."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import DESKTOP, PHONE, OpenScreen


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (PHONE, True)])
async def test_docs(open_screen: OpenScreen, size: tuple[int, int], dark: bool) -> None:
    screen = await open_screen("/api/docs", size=size, dark=dark)
    page = screen.page
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_role("heading", name="Changes")).to_be_attached()
    # Nothing is wider than the screen, and no limit is another than it is.
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await expect(page.get_by_text("9223372036854776000").first).to_be_hidden()
    await page.get_by_role("searchbox", name="Find").fill("listMails")
    await expect(page.get_by_role("heading", name="/api/v1/mails").first).to_be_visible()
    await page.get_by_text("Try it").first.click()
    await page.get_by_role("button", name="Send").first.click()
    # Nobody has logged in.
    screen.expect_problem("status of 40[01]")
    await expect(page.locator("output pre").first).to_contain_text("errorCode")
    await screen.judge(f"{size[0]}")
