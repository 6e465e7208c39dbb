"""The page that describes the API."""

from playwright.async_api import expect

from tests.browser.conftest import OpenScreen


async def test_docs(open_screen: OpenScreen) -> None:
    screen = await open_screen("/api/docs")
    await expect(screen.page.get_by_role("heading", level=1)).to_be_visible()
    await screen.keep("light")
