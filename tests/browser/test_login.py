"""Logging in: by password, with a captcha, with a second step, and staying logged in."""

import re
from pathlib import Path

from playwright.async_api import Browser, Page, Response, Route, expect

from tests.browser.chromium import ANY_NAME
from tests.browser.conftest import DESKTOP, PHONE, OpenScreen
from tests.browser.mailbox import fill_in_login, log_in
from tests.browser.site import PASSWORD, Member, running_site

REFUSED = r"status of 401"
"""What the console says of a refused login."""
CAPTCHA = "Picture with characters to type in"


async def test_login_and_logout(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    page = screen.page
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await expect(page).to_have_title(re.compile("Log in"))
    await fill_in_login(page, ann.address, PASSWORD)
    await expect(page.get_by_role("navigation", name="Folders")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("navigation", name="Folders")).to_be_visible()
    await page.get_by_role("button", name=f"Account: {ann.address}").click()
    await page.get_by_role("menuitem", name="Log out").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    cookies = await page.context.cookies()
    assert [one for one in cookies if one["name"].endswith("postroom") and one["value"]] == []


async def test_without_https_it_is_said_why_nobody_gets_in(chromium: Browser, tmp_path: Path) -> None:
    """Where the cookie is for HTTPS alone, and the page came without, by a name that is not loopback's."""
    async with running_site(tmp_path, http_options='trusted_proxies = ["127.0.0.1"]') as site:
        ann = await site.add_account()
        async with await chromium.new_context() as context:
            page = await context.new_page()
            await page.goto(site.url.replace("127.0.0.1", ANY_NAME))
            await fill_in_login(page, ann.address, PASSWORD)
            await expect(page.get_by_role("alert")).to_contain_text("HTTPS")
            await expect(page.get_by_role("button", name="Log in")).to_be_enabled()
            # A loopback address is trusted as HTTPS is.
            await page.goto(site.url)
            await fill_in_login(page, ann.address, PASSWORD)
            await expect(page.get_by_role("navigation", name="Folders")).to_be_visible()
        await ann.close()


async def test_what_is_missing_is_asked_for(open_screen: OpenScreen) -> None:
    screen = await open_screen()
    await screen.page.get_by_role("button", name="Log in").click()
    await expect(screen.page.get_by_role("alert")).to_have_text("Please fill in what is missing.")
    await expect(screen.page.get_by_label("Mail address")).to_be_focused()


async def test_the_login_is_remembered_where_that_is_wanted(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    await screen.page.get_by_label("Stay logged in on this device").check()
    await fill_in_login(screen.page, ann.address, PASSWORD)
    await expect(screen.page.get_by_role("navigation", name="Folders")).to_be_visible()
    # A new tab has no session storage: what was remembered is enough, and what was not is asked for.
    tab = await screen.page.context.new_page()
    await tab.goto(screen.url)
    await expect(tab.get_by_role("navigation", name="Folders")).to_be_visible()


async def test_captcha_after_failures(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    screen.expect_problem(REFUSED)
    page = screen.page
    for _ in range(3):
        await fill_in_login(page, ann.address, "wrong")
        await expect(page.get_by_role("alert")).to_contain_text("wrong")
    await expect(page.get_by_role("img", name=CAPTCHA)).to_be_visible()
    await screen.judge("captcha")
    captcha_id = await take_new_captcha(page)
    await page.get_by_label("Characters of the picture").fill("AAAAAA")
    await fill_in_login(page, ann.address, PASSWORD)
    await expect(page.get_by_role("alert")).to_contain_text("characters of the picture are wrong")
    captcha_id = await take_new_captcha(page)
    text = await ann.site.read_captcha(captcha_id, ann.address)
    await page.get_by_label("Characters of the picture").fill(text.lower())
    await fill_in_login(page, ann.address, PASSWORD)
    await expect(page.get_by_role("navigation", name="Folders")).to_be_visible()


async def test_a_late_answer_takes_no_captcha_away(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    screen.expect_problem(REFUSED)
    page = screen.page
    asked: list[Route] = []

    async def hold_the_first_back(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            await route.continue_()

    await page.route("**/captha/status?*", hold_the_first_back)
    # What is asked for when the name is typed in comes last of all.
    for _ in range(3):
        await fill_in_login(page, ann.address, "wrong")
        await expect(page.get_by_role("alert")).to_contain_text("wrong")
    await expect(page.get_by_role("img", name=CAPTCHA)).to_be_visible()
    async with page.expect_response("**/captha/status?*") as late:
        await asked[0].fulfill(json={"isRequired": False})
    await (await late.value).finished()
    await screen.page.evaluate("() => new Promise((done) => setTimeout(done))")
    await expect(page.get_by_role("img", name=CAPTCHA)).to_be_visible()


async def take_new_captcha(page: Page) -> str:
    """Ask for another picture; return its id."""
    picture = page.get_by_role("img", name=CAPTCHA)
    old = await picture.get_attribute("src") or ""

    def is_image(response: Response) -> bool:
        return "/captha?" in response.url and "x-captcha-id" in response.headers

    async with page.expect_response(is_image) as image:
        await page.get_by_role("button", name="Another picture").click()
    captcha_id = (await (await image.value).all_headers())["x-captcha-id"]
    # It is shown once it has been read, with a field of its own.
    await expect(picture).not_to_have_attribute("src", old)
    return captcha_id


async def test_second_step_by_app(open_screen: OpenScreen, ann: Member) -> None:
    app = await ann.switch_on_second_step()
    screen = await open_screen()
    screen.expect_problem(r"status of 40[01]")
    page = screen.page
    await fill_in_login(page, ann.address, PASSWORD)
    await expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    await expect(page.get_by_role("radio", name="Code of the authenticator app")).to_be_checked()
    await screen.judge("second-step")
    await page.get_by_label("Code", exact=True).fill("000000")
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_role("alert")).to_have_text("This code is not right.")
    await page.get_by_label("Code", exact=True).fill(ann.next_code(app))
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_role("navigation", name="Folders")).to_be_visible()


async def test_a_session_that_ended_leads_back_to_the_login(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    screen.expect_problem(REFUSED)
    await log_in(screen, ann)
    change = {"oldPassword": PASSWORD, "newPassword": "battery staple"}
    await ann.call("POST", "/account/password/reset", change)
    await expect(screen.page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_login_in_other_languages(open_screen: OpenScreen) -> None:
    for locale, text in {
        "de-AT": "Anmelden",
        "fr": "",
        "ro-RO": "",
        "ja-JP": "ログイン",
        "it-IT": "Log in",
    }.items():
        screen = await open_screen(locale=locale)
        await expect(screen.page.get_by_role("heading", level=1)).to_contain_text(text)
        wanted = "en" if locale == "it-IT" else locale[:2]
        assert await screen.page.evaluate("document.documentElement.lang") == wanted


async def test_login_looks(open_screen: OpenScreen) -> None:
    for name, size, dark in (("light", DESKTOP, False), ("dark", DESKTOP, True), ("phone", PHONE, True)):
        screen = await open_screen(size=size, dark=dark)
        await expect(screen.page.get_by_role("heading", name="Log in")).to_be_visible()
        await screen.judge(name)
