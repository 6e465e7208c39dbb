"""Settings: each section as people use it, and what the API has then."""

import asyncio
import re

import pyotp
from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE, OpenScreen
from tests.browser.holding import hold_answers
from tests.browser.mailbox import fill_in_login, log_in
from tests.browser.screen import Screen
from tests.browser.site import PASSWORD, Member
from tests.browser.test_compose import make_picture

SECTIONS = [
    "General",
    "Profile",
    "Addresses",
    "Signatures",
    "Absence",
    "Spam filters",
    "Sharing",
    "Password",
    "Security",
    "Programs",
    "Webhooks",
    "Activity",
]
NO_PICTURE = "status of 404"
"""Whoever has no picture is told so by the answer to the question for it."""
PROOF_WANTED = "status of 403"
"""What needs the password once more is tried without it first."""
LATE_TICKET = r"status of 401 .*/events\?ticket="
"""A change of the account ends its event streams and their tickets, one that was just made for the next, too."""


async def open_section(open_screen: OpenScreen, member: Member, section: str) -> Screen:
    """Log in and open a section."""
    screen = await open_screen()
    mailbox = await log_in(screen, member)
    await mailbox.page.goto(f"{screen.url}/#/settings/{section}")
    await expect(mailbox.page.get_by_role("navigation", name="Settings")).to_be_visible()
    return screen


async def open_holding(open_screen: OpenScreen, member: Member, section: str, pattern: str) -> Page:
    """Log in and open a section in a page that can hold answers back (``hold_answers``)."""
    screen = await open_screen()
    await screen.page.add_init_script(hold_answers(pattern))
    await screen.page.goto(f"{screen.url}/#/settings/{section}")
    await screen.page.reload()
    await fill_in_login(screen.page, member.address, PASSWORD)
    return screen.page


async def confirm_password(page: Page) -> None:
    """Give the password once more."""
    dialog = page.get_by_role("dialog", name="Your password, please")
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Confirm").click()
    await expect(dialog).to_be_hidden()


async def test_every_section_is_accessible(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "general")
    screen.expect_problem(NO_PICTURE)
    page = screen.page
    for name in SECTIONS:
        await page.get_by_role("navigation", name="Settings").get_by_role("link", name=name).click()
        section = page.get_by_role("region", name=name, exact=True).first
        await expect(section).not_to_be_empty()
        await screen.judge(name.lower().replace(" ", "-"))


async def test_on_a_phone_in_the_dark(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen("/#/settings/vacation", size=PHONE, dark=True)
    page = screen.page
    await fill_in_login(page, ann.address, PASSWORD)
    await page.get_by_label("Until I switch it off").uncheck()
    await expect(page.get_by_label("From", exact=True)).to_be_visible()
    await screen.judge("absence")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_general(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "general")
    page = screen.page
    size = page.get_by_label("Mails on a page")
    await size.fill("9999")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert").get_by_text("1000")).to_be_visible()
    await expect(size).to_be_focused()
    await size.fill("60")
    await page.get_by_label("Show mails as conversations").uncheck()
    await page.get_by_label("Pictures from elsewhere").select_option("always")
    await page.get_by_label("Language").select_option("de")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Gespeichert.").or_(page.get_by_text("Saved."))).to_be_visible()
    found = await ann.call("GET", "/account/settings")
    assert (found["pageSize"], found["conversationView"]) == (60, False)
    assert (found["externalImages"], found["language"]) == ("always", "de")


async def test_a_language_that_the_client_does_not_speak(open_screen: OpenScreen, ann: Member) -> None:
    await ann.call("PATCH", "/account/settings", {"language": "it"})
    screen = await open_screen("/#/settings/general", locale="de-DE")
    page = screen.page
    await page.get_by_label("Mailadresse").fill(ann.address)
    await page.get_by_label("Passwort").fill(PASSWORD)
    await page.get_by_role("button", name="Anmelden").click()
    # The browser's own is next, after a change, too.
    await page.get_by_role("button", name="Speichern").click()
    await expect(page.get_by_text("Gespeichert.")).to_be_visible()
    await expect(page.get_by_role("button", name="Speichern")).to_be_visible()


async def test_profile(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "profile")
    screen.expect_problem(NO_PICTURE)
    page = screen.page
    await page.get_by_label("First name").fill("Anna")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    assert (await ann.call("GET", "/account/contactinfo"))["firstName"] == "Anna"
    upload = {"name": "me.png", "mimeType": "image/png", "buffer": make_picture()}
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose a picture").click()
    await (await chooser.value).set_files(upload)  # type: ignore[arg-type]
    await expect(page.get_by_role("img", name="Picture")).to_be_visible()
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("img", name="Picture")).to_be_hidden()


async def test_signatures(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "signatures")
    page = screen.page
    await page.get_by_role("button", name="New signature").click()
    await page.get_by_label("Name", exact=True).fill("Work")
    await page.get_by_role("textbox", name="Text of the mail").click()
    await page.keyboard.type("Ann, in the office")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("button", name="Edit Work")).to_be_visible()
    await page.goto(f"{screen.url}/#/compose")
    text = page.get_by_role("textbox", name="Text of the mail")
    await expect(text).to_contain_text("Ann, in the office")
    await page.get_by_label("Signature", exact=True).select_option("None")
    await expect(text).not_to_contain_text("Ann, in the office")
    await page.goto(f"{screen.url}/#/settings/signatures")
    await page.get_by_role("button", name="Delete Work").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("There is none yet.")).to_be_visible()


async def test_absence(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "vacation")
    page = screen.page
    await page.get_by_label("Answer mails while I am away").check()
    await page.get_by_label("Subject").fill("Away")
    await page.get_by_role("textbox", name="Text").fill("Back on Monday.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    found = await ann.call("GET", "/account/vacation")
    assert (found["enabled"], found["subject"], found["body"]) == (True, "Away", "Back on Monday.")


async def test_filters(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "filters")
    page = screen.page
    address = page.get_by_label("Address, or @ and a domain").first
    await address.fill("@good.example")
    await address.press("Enter")
    await page.get_by_role("button", name="Delete @good.example").click()
    await expect(page.get_by_role("button", name="Delete @good.example")).to_be_hidden()
    await page.get_by_label("Forged sender").check()
    await expect(page.get_by_label("Strength")).to_have_value(re.compile("custom|medium|strong"))
    await page.reload()
    await expect(page.get_by_label("Forged sender")).to_be_checked()


async def test_what_is_pressed_is_not_drawn_anew(open_screen: OpenScreen, ann: Member) -> None:
    """Somebody takes the next entry away before the list without the first is there."""
    for address in ("@one.example", "@two.example"):
        await ann.call("POST", "/account/avas/whitelist", {"emailAddress": address})
    page = await open_holding(open_screen, ann, "filters", "/whitelist[?]")
    first, second = (page.get_by_role("button", name=f"Delete @{name}.example") for name in ("one", "two"))
    await expect(second).to_be_visible()
    await page.evaluate("() => { window.isHolding = true; }")
    await first.click()
    await page.wait_for_function("() => window.heldBack > 0")
    await second.hover()
    await page.mouse.down()
    # Where it is drawn at once, it is by then.
    await page.evaluate("() => { window.letGo(); return new Promise((done) => setTimeout(done, 300)); }")
    await page.mouse.up()
    await expect(first).to_be_hidden()
    await expect(second).to_be_hidden()
    assert (await ann.call("GET", "/account/avas/whitelist"))["items"] == []


async def test_of_two_lists_the_later_one_is_shown(open_screen: OpenScreen, ann: Member) -> None:
    """The answer after the first change comes after that after the second, which it lacks."""
    for name in ("One", "Two"):
        await ann.call("POST", "/account/signatures", {"name": name, "type": "text", "body": name})
    page = await open_holding(open_screen, ann, "signatures", "/signatures[?]")
    first, second = (page.get_by_role("button", name=f"Delete {name}") for name in ("One", "Two"))
    confirm = page.get_by_role("dialog").get_by_role("button", name="Delete")
    await first.click()
    await page.evaluate("() => { window.isHolding = true; }")
    await confirm.click()
    await page.wait_for_function("() => window.heldBack > 0")
    await page.evaluate("() => { window.isHolding = false; }")
    await second.click()
    await confirm.click()
    await expect(second).to_be_hidden()
    # Where it is drawn, it is by then.
    await page.evaluate("() => { window.letGo(); return new Promise((done) => setTimeout(done, 300)); }")
    await expect(first).to_be_hidden()
    await expect(second).to_be_hidden()


async def test_addresses(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "addresses")
    page = screen.page
    await page.get_by_role("button", name="Make an address").click()
    [made] = [one["emailAddress"] for one in await poll_aliases(page, ann)]
    await page.get_by_role("button", name=f"Delete {made}").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("There is none at present.")).to_be_visible()


async def poll_aliases(page: Page, member: Member) -> list[dict[str, str]]:
    """Wait until the screen has an address for a while; return those that there are."""
    await expect(page.get_by_role("button", name=re.compile("^Delete "))).to_be_visible()
    found = await member.call("GET", "/account/temporaryaliases")
    return list(found["items"])


async def test_sharing(open_screen: OpenScreen, ann: Member) -> None:
    bea = await ann.site.add_account(full_name="Bea Example")
    try:
        screen = await open_section(open_screen, ann, "sharing")
        page = screen.page
        await page.get_by_label("With whom").fill(bea.address)
        await page.get_by_role("button", name="Share", exact=True).click()
        role = page.get_by_label(f"Role of {bea.address}")
        await expect(role).to_have_value("reader")
        await role.select_option("editor")
        await expect(page.get_by_label(f"Role of {bea.address}")).to_have_value("editor")
        await screen.judge("shared")
        await page.get_by_text("Details").click()
        letters = {"Delete the folder": "x", "Take mails out": "t"}
        for label in letters:
            await page.get_by_label(label).uncheck()
        await expect(role).to_have_value("custom")
        await expect_permissions(ann, bea, set("lrswikxte") - set(letters.values()))
        await expect(page.get_by_label("Flag mails")).to_be_visible()
        await role.select_option("editor")
        await expect(page.get_by_label("Take mails out")).to_be_checked()
        await expect_permissions(ann, bea, set("lrswikxte"))
        theirs = await open_screen()
        await fill_in_login(theirs.page, bea.address, PASSWORD)
        await expect(theirs.page.get_by_role("heading", name="Other users' folders")).to_be_visible()
        await page.get_by_role("button", name=f"Stop sharing with {bea.address}").click()
        await page.get_by_role("dialog").get_by_role("button", name="Stop sharing").click()
        await expect(page.get_by_text("Nobody but you.")).to_be_visible()
    finally:
        await bea.close()


async def expect_permissions(owner: Member, reader: Member, letters: set[str]) -> None:
    """Wait until somebody may do this in the Inbox."""
    async with asyncio.timeout(10):
        while True:
            [grant] = (await owner.call("GET", f"/folders/{owner.inbox}/permissions"))["items"]
            assert grant["account"] == reader.address
            if set(grant["permissions"]) == letters:
                return
            await asyncio.sleep(0.05)


async def test_password(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "password")
    page = screen.page
    await page.get_by_label("Present password").fill(PASSWORD)
    await page.get_by_label("New password").fill("battery staple 1")
    await page.get_by_label("The same again").fill("battery staple 2")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_role("alert").first).not_to_be_empty()
    await page.get_by_label("The same again").fill("battery staple 1")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    other = await open_screen()
    await fill_in_login(other.page, ann.address, "battery staple 1")
    await expect(other.page.get_by_role("navigation", name="Folders")).to_be_visible()


async def test_second_step(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "security")
    screen.expect_problem(PROOF_WANTED)
    screen.expect_problem(LATE_TICKET)
    page = screen.page
    await page.get_by_role("button", name="Add an authenticator app").click()
    await confirm_password(page)
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("img", name=re.compile("QR"))).to_be_visible()
    await screen.judge("qr")
    await dialog.get_by_text("To type in by hand").click()
    app = pyotp.parse_uri(await dialog.locator("pre.secret").inner_text())
    assert isinstance(app, pyotp.TOTP)
    # Each code is good once: the app's clock is a step behind, then right, then a step ahead.
    now = await ann.begin_step()
    await dialog.get_by_label("Code").fill(app.at(now - 30))
    await dialog.get_by_role("button", name="Verify").click()
    await page.get_by_role("button", name="Switch on").click()
    await dialog.get_by_label("Code").fill(app.at(now))
    await dialog.get_by_role("button", name="Verify").click()
    await expect(dialog.get_by_role("heading", name="Recovery codes")).to_be_visible()
    await screen.judge("recovery-codes")
    assert len((await dialog.locator("pre.secret").inner_text()).split()) >= 8
    await page.keyboard.press("Escape")
    await expect(page.get_by_text("2-step verification is on.")).to_be_visible()
    await page.get_by_role("button", name="Switch off").click()
    await dialog.get_by_label("Code").fill(ann.next_code(app))
    await dialog.get_by_role("button", name="Verify").click()
    # A toast tells it, too, for a while.
    await expect(page.locator("p", has_text="2-step verification is off.")).to_be_visible()
    await page.goto(f"{screen.url}/#/settings/activity")
    await expect(page.get_by_role("table").get_by_role("row")).not_to_have_count(1)


async def test_programs(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "programs")
    screen.expect_problem(PROOF_WANTED)
    page = screen.page
    dialog = page.get_by_role("dialog")
    await page.get_by_role("button", name="New password").click()
    await dialog.get_by_label("Name of the program").fill("Phone")
    await dialog.get_by_label("What it may do").select_option("read")
    await dialog.get_by_role("button", name="Create").click()
    await confirm_password(page)
    password = await dialog.locator("pre.secret").inner_text()
    await screen.judge("password")
    await page.keyboard.press("Escape")
    answer = await ann.client.get("/mails/counters", auth=(ann.address, password))
    assert answer.is_success
    await page.get_by_role("button", name="New token").click()
    await dialog.get_by_label("Name of the program").fill("Taskbar")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.locator("pre.secret")).not_to_be_empty()
    await page.keyboard.press("Escape")
    for name in ("Phone", "Taskbar"):
        await page.get_by_role("button", name=f"Revoke {name}").click()
        await dialog.get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("There is none.")).to_have_count(2)


async def test_webhooks(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_section(open_screen, ann, "webhooks")
    screen.expect_problem("status of 400")
    page = screen.page
    address = page.get_by_label("Address of the program")
    await address.fill("https://user:secret@hooks.example/mail")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("alert").first).not_to_be_empty()
    await expect(address).to_be_focused()
    await address.fill("https://hooks.example/mail")
    await page.get_by_label("Folder", exact=True).select_option(label="Drafts")
    await page.get_by_label("mail.changed").uncheck()
    await page.get_by_role("button", name="Create").click()
    secret = page.get_by_role("dialog").locator("pre.secret")
    await expect(secret).to_contain_text("whsec_")
    await page.keyboard.press("Escape")
    [hook] = (await ann.call("GET", "/account/webhooks"))["items"]
    assert hook["folderId"].endswith("_3")
    assert "mail.changed" not in hook["kinds"]
    assert hook["enabled"]
    await page.get_by_role("button", name="Switch off").click()
    await expect(page.get_by_text("Switched off")).to_be_visible()
    await screen.judge("off")
    await page.get_by_role("button", name="Delete https://hooks.example/mail").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("There is none.")).to_be_visible()
