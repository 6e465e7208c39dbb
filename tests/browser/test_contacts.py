"""Contacts: making, changing, finding and deleting them, lists, pictures, and files of vCards."""

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE, OpenScreen
from tests.browser.mailbox import fill_in_login, log_in
from tests.browser.screen import Screen
from tests.browser.site import PASSWORD, Member
from tests.browser.test_compose import make_picture

CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Dora Example\r\nEMAIL:dora@example.org\r\nEND:VCARD\r\n"


async def open_contacts(open_screen: OpenScreen, member: Member) -> Screen:
    """Log in and open the contacts."""
    screen = await open_screen()
    await log_in(screen, member)
    await screen.page.goto(f"{screen.url}/#/contacts")
    await expect(screen.page.get_by_role("heading", name="Contacts", exact=True)).to_be_visible()
    return screen


async def choose_file(page: Page, button: str, name: str, content: bytes, kind: str) -> None:
    """Press a button that asks for a file, and give one."""
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name=button).click()
    upload = {"name": name, "mimeType": kind, "buffer": content}
    await (await chooser.value).set_files(upload)  # type: ignore[arg-type]


async def test_a_contact_is_made_changed_and_deleted(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_contacts(open_screen, ann)
    page = screen.page
    await screen.judge("none")
    await page.get_by_role("button", name="New contact").click()
    await page.get_by_label("Shown name").fill("Bea Example")
    await page.get_by_label("Mail address", exact=True).fill("bea@example.org")
    await choose_file(page, "Choose a picture", "large.png", b"x" * 700_001, "image/png")
    await expect(page.get_by_text("The picture is too large: 700 kB at most.")).to_be_visible()
    await choose_file(page, "Choose a picture", "bea.png", make_picture(), "image/png")
    await expect(page.get_by_role("img", name="Picture")).to_be_visible()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Bea Example")).to_be_visible()
    row = page.get_by_role("link", name="Bea Example")
    await expect(row).to_be_visible()
    await screen.judge("contact")
    await page.get_by_label("Organisation").fill("Northside")
    await page.get_by_role("button", name="Remove the picture").click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.").first).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Organisation")).to_have_value("Northside")
    await expect(page.get_by_role("img", name="Picture")).to_be_hidden()
    await page.get_by_role("link", name="Write").last.click()
    await expect(page.get_by_role("group", name="To").get_by_role("listitem")).to_have_count(1)
    await page.go_back()
    await page.get_by_role("button", name="Delete", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(row).to_be_hidden()
    assert (await ann.call("GET", "/contacts"))["totalItems"] == 0


async def test_what_changes_elsewhere_is_shown(open_screen: OpenScreen, ann: Member) -> None:
    await ann.call("POST", "/contacts", {"name": "Bea Example", "email": "bea@example.org"})
    screen = await open_contacts(open_screen, ann)
    page = screen.page
    await page.get_by_role("link", name="Bea Example").click()
    await page.get_by_label("Organisation").fill("Northside")
    made = await ann.call("POST", "/contacts", {"name": "Carl Example", "email": "carl@example.org"})
    await expect(page.get_by_role("link", name="Carl Example")).to_be_visible()
    await expect(page.get_by_text("2 contacts")).to_be_visible()
    await page.get_by_role("link", name="Bea Example").focus()
    await ann.call("DELETE", f"/contacts/{made['id']}")
    await expect(page.get_by_role("link", name="Carl Example")).to_be_hidden()
    # What is being written and where one is stay.
    await expect(page.get_by_role("link", name="Bea Example")).to_be_focused()
    await expect(page.get_by_label("Organisation")).to_have_value("Northside")


async def test_a_list(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_contacts(open_screen, ann)
    page = screen.page
    await page.get_by_role("button", name="New distribution list").click()
    await page.get_by_label("Shown name").fill("Team")
    await page.get_by_role("combobox", name="Members").fill("bea@example.org, ben@example.org,")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("link", name="Team")).to_be_visible()
    await screen.judge("list")
    [found] = (await ann.call("GET", "/contacts"))["items"]
    assert (await ann.call("GET", f"/contacts/{found['id']}"))["members"] == [
        "bea@example.org",
        "ben@example.org",
    ]


async def test_import_search_and_export(open_screen: OpenScreen, ann: Member) -> None:
    await ann.call("POST", "/contacts", {"name": "Emil Example", "email": "emil@example.org"})
    screen = await open_contacts(open_screen, ann)
    page = screen.page
    await choose_file(page, "Import vCards", "some.vcf", CARD, "text/vcard")
    await expect(page.get_by_text("New: 1. Changed: 0. Of no use: 0.")).to_be_visible()
    await expect(page.get_by_text("2 contacts")).to_be_visible()
    search = page.get_by_role("searchbox", name="Search contacts")
    await search.fill("dor")
    await expect(page.get_by_role("link", name="Emil Example")).to_be_hidden()
    await page.get_by_role("link", name="Dora Example").click()
    await expect(page).to_have_url(re.compile("#/contacts/"))
    await search.fill("nobody at all")
    await expect(page.get_by_text("Nobody found.")).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Export vCards").click()
    text = (await (await download.value).path()).read_text()
    assert "FN:Dora Example" in text
    assert "FN:Emil Example" in text


async def test_on_a_phone_in_the_dark(open_screen: OpenScreen, ann: Member) -> None:
    await ann.call("POST", "/contacts", {"name": "Emil Example", "email": "emil@example.org"})
    screen = await open_screen("/#/contacts", size=PHONE, dark=True)
    page = screen.page
    await fill_in_login(page, ann.address, PASSWORD)
    await page.get_by_role("link", name="Emil Example").click()
    await expect(page.get_by_label("Shown name")).to_have_value("Emil Example")
    await screen.judge("contact")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("button", name="Back").click()
    await expect(page.get_by_role("link", name="Emil Example")).to_be_visible()
