"""Every screen, light and dark, wide and narrow: accessible, nothing wider than the screen, and pictures of them."""

from dataclasses import dataclass

import pytest
from playwright.async_api import expect

from tests.browser.chromium import ROOT
from tests.browser.conftest import DESKTOP, PHONE, OpenScreen
from tests.browser.mailbox import Mailbox, fill_in_login
from tests.browser.screen import Screen
from tests.browser.site import PASSWORD, Member
from tests.fixtures.factories import make_message

TABLES = {path.stem for path in (ROOT / "src/postroom/web/js/i18n").glob("*.js")}
"""The languages of the client."""
SUBJECT = "Invoice 2025-0417"
REMOTE = r"status of 404|ERR_NAME_NOT_RESOLVED|request: https://[\w.-]+\.example/"
"""At the account's own level pictures from elsewhere are shown; these hosts do not exist."""


@dataclass(frozen=True)
class Look:
    """How somebody looks at it."""

    name: str
    size: tuple[int, int]
    dark: bool


LOOKS = [
    Look("light", DESKTOP, dark=False),
    Look("dark", DESKTOP, dark=True),
    Look("phone", PHONE, dark=False),
    Look("phone-dark", PHONE, dark=True),
]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_mail_screens(open_screen: OpenScreen, maria: Member, look: Look) -> None:
    screen = await open_screen(size=look.size, dark=look.dark)
    screen.expect_problem(REMOTE)
    page = screen.page
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await judge(screen, "login")
    await fill_in_login(page, maria.address, PASSWORD)
    await expect(page.get_by_role("grid").get_by_role("checkbox").first).to_be_attached()
    await judge(screen, "list")
    await page.get_by_role("combobox", name="Search mails").fill(SUBJECT)
    await page.get_by_role("row", name=SUBJECT).first.click()
    await expect(Mailbox(screen).body.get_by_text("Lena").first).to_be_attached()
    await judge(screen, "mail")
    await page.get_by_role("button", name="Move to folder").last.click()
    await expect(page.get_by_role("menu")).to_be_visible()
    await screen.judge("menu", without="region")  # a menu lies over the page, and in no landmark of it
    await page.keyboard.press("Escape")
    await page.goto(f"{screen.url}/#/search/has%3Aattachment")
    await expect(page.get_by_role("grid").get_by_role("checkbox").first).to_be_attached()
    await judge(screen, "search")


async def judge(screen: Screen, what: str) -> None:
    """Judge a screen, and that it needs no scrolling sideways."""
    await screen.judge(what)
    assert await screen.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), what


@pytest.mark.parametrize("language", sorted(TABLES))
async def test_other_languages(open_screen: OpenScreen, ann: Member, language: str) -> None:
    await ann.deliver(make_message(subject="Letter"))
    await ann.call("PATCH", "/account/settings", {"language": language})
    screen = await open_screen(locale=language)
    page = screen.page
    # By the kind of input: what they are called is another word in each language.
    await page.locator("input[autocomplete=username]").fill(ann.address)
    await page.locator("input[type=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("grid").get_by_role("checkbox").first).to_be_attached()
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await judge(screen, "list")
