"""What can come between a password and the mailbox: codes, a new password, a second step to set up; and recovery."""

import re
from collections.abc import AsyncIterator

import pyotp
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE, OpenScreen
from tests.browser.mailbox import fill_in_login
from tests.browser.site import PASSWORD, STRICT, Member, Site

REFUSED = r"status of 40[0139]"
NEW_PASSWORD = "battery staple 1"
CODE = r"\b(\d{6})\b"
"""In the letter with a code."""


@pytest_asyncio.fixture(loop_scope="package")
async def bea(site: Site) -> AsyncIterator[Member]:
    """Somebody else, whose address others have set up as the way to reach them."""
    member = await site.add_account(full_name="Bea Example")
    yield member
    await member.close()


async def expect_mailbox(page: Page) -> None:
    """Wait until the login is done."""
    await expect(page.get_by_role("navigation", name="Folders")).to_be_visible()


async def add_address(member: Member, other: Member, *, second_step: bool = False) -> list[str]:
    """Set up another's address as a method; return the recovery codes where it is the second step, too."""
    headers = {"X-Axigen-Session": (await member.call("POST", "/login"))["sessid"]}
    made = await member.call("POST", "/account/security/check", {"password": PASSWORD}, **headers)
    headers["X-Axigen-Security-Token"] = made["securityToken"]
    wanted = {"method": "email", "target": other.address}
    method = (await member.call("POST", "/account/security/methods", wanted, **headers))["id"]
    path = f"/account/security/methods/{method}"
    await member.call("POST", f"{path}/sendtoken", **headers)
    code = await other.read_code(CODE)
    await member.call("POST", f"{path}/activate", {"totpToken": code}, **headers)
    if not second_step:
        return []
    await member.call("POST", f"{path}/sendtoken", **headers)
    switch = {"methodId": method, "totpToken": await other.read_code(CODE)}
    return list((await member.call("POST", "/account/security/2fa", switch, **headers))["recoveryCodes"])


async def set_new_password(page: Page, password: str = NEW_PASSWORD, repeated: str = "") -> None:
    """Fill in a new password."""
    await page.get_by_label("New password").fill(password)
    await page.get_by_label("The same again").fill(repeated or password)
    await page.get_by_role("button", name="Change the password").click()


async def test_a_password_that_must_be_changed(open_screen: OpenScreen, site: Site) -> None:
    carl = await site.add_account(full_name="Carl Example", must_change_password=True)
    screen = await open_screen()
    screen.expect_problem(REFUSED)
    page = screen.page
    await fill_in_login(page, carl.address, PASSWORD)
    await expect(page.get_by_role("heading", name="New password")).to_be_visible()
    await screen.judge("new-password")
    # Whoever comes back is asked again, as far as they got.
    await page.reload()
    await set_new_password(page, repeated="something else")
    await expect(page.get_by_role("alert")).to_have_text("The two are not the same.")
    await set_new_password(page, PASSWORD)
    await expect(page.get_by_role("alert")).to_contain_text("password")
    await set_new_password(page)
    await expect_mailbox(page)
    await page.reload()
    await expect_mailbox(page)
    await carl.close()


async def test_a_password_that_must_be_changed_from_now_on(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    screen.expect_problem(REFUSED)
    page = screen.page
    await fill_in_login(page, ann.address, PASSWORD)
    await expect_mailbox(page)
    await ann.site.change_account(ann, must_change_password=True)
    # The next call tells, whichever it is: one that the client makes by itself may come first.
    await page.evaluate("""document.querySelector('a[href$="_5"]')?.click()""")
    await expect(page.get_by_role("heading", name="New password")).to_be_visible()
    await page.get_by_role("button", name="Back to the login").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_a_second_step_that_must_be_set_up(open_screen: OpenScreen, site: Site, bea: Member) -> None:
    dora = await site.add_account(class_name=STRICT, full_name="Dora Example")
    screen = await open_screen(size=PHONE)
    screen.expect_problem(REFUSED)
    page = screen.page
    await fill_in_login(page, dora.address, PASSWORD)
    await expect(page.get_by_text("needs a second step")).to_be_visible()
    await screen.judge("mandatory")
    await page.reload()
    await page.get_by_role("button", name="Add an authenticator app").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_text("To type in by hand").click()
    app = pyotp.parse_uri(await dialog.locator("pre.secret").inner_text())
    assert isinstance(app, pyotp.TOTP)
    now = int(site.services.clock.now())
    await dialog.get_by_label("Code").fill(app.at(now))
    await dialog.get_by_role("button", name="Verify").click()
    await expect(page.get_by_text("Method added.")).to_be_visible()
    await page.get_by_role("button", name="Switch on").click()
    # Each code is good once: the app's clock is a step ahead by now.
    await dialog.get_by_label("Code").fill(app.at(now + 30))
    await dialog.get_by_role("button", name="Verify").click()
    await expect(dialog.get_by_role("heading", name="Recovery codes")).to_be_visible()
    await dialog.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("grid")).to_be_attached()
    await page.reload()
    await expect(page.get_by_role("grid")).to_be_attached()
    await dora.close()


async def test_a_second_step_by_mail_that_must_be_set_up(
    open_screen: OpenScreen, site: Site, bea: Member
) -> None:
    emil = await site.add_account(class_name=STRICT, full_name="Emil Example")
    screen = await open_screen()
    page = screen.page
    await fill_in_login(page, emil.address, PASSWORD)
    await page.get_by_role("button", name="Add a mail address").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Mail address").fill(bea.address)
    await dialog.get_by_role("button", name="Send the code").click()
    await dialog.get_by_label("Code").fill(await bea.read_code(CODE))
    await dialog.get_by_role("button", name="Verify").click()
    await page.get_by_role("button", name="Switch on").click()
    await dialog.get_by_label("Code").fill(await bea.read_code(CODE))
    await dialog.get_by_role("button", name="Verify").click()
    await expect(dialog.get_by_role("heading", name="Recovery codes")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect_mailbox(page)
    await emil.close()


async def test_second_step_by_mail_and_by_recovery_code(
    open_screen: OpenScreen, ann: Member, bea: Member
) -> None:
    codes = await add_address(ann, bea, second_step=True)
    screen = await open_screen()
    screen.expect_problem(REFUSED)
    page = screen.page
    await fill_in_login(page, ann.address, PASSWORD)
    await expect(page.get_by_role("radio", name="Code by mail to")).to_be_checked()
    await page.get_by_role("button", name="Send the code").click()
    await expect(page.get_by_text("The code is on its way.")).to_be_visible()
    await screen.judge("by-mail")
    await page.get_by_label("Code", exact=True).fill(await bea.read_code(CODE))
    await page.get_by_role("button", name="Verify").click()
    await expect_mailbox(page)
    other = await open_screen()
    other.expect_problem(REFUSED)
    page = other.page
    await fill_in_login(page, ann.address, PASSWORD)
    # A reload asks for the second step again, not for the password.
    await expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    await page.reload()
    await page.get_by_role("radio", name="Recovery code").check()
    await expect(page.get_by_role("button", name="Send the code")).to_be_hidden()
    await page.get_by_label("Code", exact=True).fill("not one of them")
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_role("alert")).to_have_text("This code is not right.")
    await page.get_by_label("Code", exact=True).fill(codes[0])
    await page.get_by_role("button", name="Verify").click()
    await expect_mailbox(page)


async def test_five_wrong_codes_end_the_session(open_screen: OpenScreen, ann: Member) -> None:
    await ann.switch_on_second_step()
    screen = await open_screen()
    screen.expect_problem(REFUSED)
    page = screen.page
    await fill_in_login(page, ann.address, PASSWORD)
    for _ in range(4):
        await page.get_by_label("Code", exact=True).fill("000000")
        await page.get_by_role("button", name="Verify").click()
        await expect(page.get_by_role("button", name="Verify")).to_be_enabled()
        await expect(page.get_by_role("alert")).to_have_text("This code is not right.")
    await page.get_by_label("Code", exact=True).fill("000000")
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_forgotten_password(open_screen: OpenScreen, ann: Member, bea: Member) -> None:
    await add_address(ann, bea)
    screen = await open_screen()
    screen.expect_problem(REFUSED)
    page = screen.page
    await page.get_by_label("Mail address").fill(ann.address)
    await page.get_by_role("button", name="Forgotten the password?").click()
    await expect(page.get_by_label("Mail address")).to_have_value(ann.address)
    await screen.judge("name")
    await page.get_by_role("button", name="Next").click()
    # The address is told in part: whoever has set it up knows it.
    await expect(page.get_by_text(bea.address)).to_be_hidden()
    await expect(page.get_by_text(f"{bea.address[:3]}")).to_be_visible()
    await screen.judge("target")
    await page.get_by_label("Address or phone number").fill(bea.address)
    await page.get_by_role("button", name="Send the code").click()
    await page.get_by_label("Code").fill("wrong")
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_role("alert")).to_have_text("This code is not right.")
    await page.get_by_label("Code").fill(await bea.read_code(r": ([\w-]{20,})"))
    await page.get_by_role("button", name="Verify").click()
    await set_new_password(page, repeated="something else")
    await expect(page.get_by_role("alert")).to_have_text("The two are not the same.")
    await screen.judge("password")
    await set_new_password(page)
    await expect(page.get_by_text("The password is changed.")).to_be_visible()
    await expect(page.get_by_label("Password", exact=True)).to_be_focused()
    await fill_in_login(page, ann.address, NEW_PASSWORD)
    await expect_mailbox(page)


async def test_forgotten_name(open_screen: OpenScreen, ann: Member, bea: Member) -> None:
    await add_address(ann, bea)
    screen = await open_screen()
    screen.expect_problem(REFUSED)
    page = screen.page
    await page.get_by_role("button", name="Forgotten the address?").click()
    await screen.judge("name")
    await page.get_by_label("Address or phone number").fill("nonsense")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await page.get_by_label("Address or phone number").fill(bea.address)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_text("its name is on its way")).to_be_visible()
    assert await bea.read_code(rf"({re.escape(ann.address)})") == ann.address
