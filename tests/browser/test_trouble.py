"""When something is wrong: the server stops, refuses, or is slow; addresses lead nowhere."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import DESKTOP, PHONE, OpenScreen
from tests.browser.mailbox import log_in
from tests.browser.site import Member, running_site
from tests.fixtures.factories import make_message

NOWHERE = r"status of 40[04]"
OFFLINE = "No live connection."


async def test_the_server_stops_and_comes_back(open_screen: OpenScreen, tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        member = await site.add_account()
        await member.deliver(make_message(subject="Letter"), make_message(subject="Other"))
        screen = await open_screen(url=site.url)
        screen.expect_problem("ERR_|Failed to fetch|status of 50")
        mailbox = await log_in(screen, member)
        await mailbox.open("Other")
        await asyncio.to_thread(site.server.stop)
        await expect(screen.page.get_by_text(OFFLINE)).to_be_visible()
        await mailbox.row("Letter").click()
        await expect(mailbox.reading.get_by_role("alert")).to_have_text("The server cannot be reached.")
        await screen.judge("stopped")
        await asyncio.to_thread(site.server.__enter__)
        await member.deliver(make_message(subject="Meanwhile"))
        await expect(screen.page.get_by_text(OFFLINE)).to_be_hidden(timeout=40_000)
        await expect(mailbox.row("Meanwhile")).to_be_visible()
        # What could not be read is there, without a click.
        await expect(mailbox.reading.get_by_role("heading", name="Letter")).to_be_visible()
        await screen.page.goto("about:blank")
        await member.close()


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_addresses_that_lead_nowhere(
    open_screen: OpenScreen, ann: Member, size: tuple[int, int]
) -> None:
    await ann.deliver(make_message(subject="Letter"))
    screen = await open_screen(size=size)
    screen.expect_problem(NOWHERE)
    page = screen.page
    mailbox = await log_in(screen, ann) if size == DESKTOP else None
    if mailbox is None:
        await page.get_by_label("Mail address").fill(ann.address)
        await page.get_by_label("Password").fill("correct horse")
        await page.keyboard.press("Enter")
    await expect(page.get_by_role("row", name="Letter")).to_be_visible()
    # A mail that is not there is told, and leads back, on a phone too.
    await page.goto(f"{screen.url}/#/mail/{ann.inbox}/nonsense")
    await expect(page.get_by_role("alert")).to_have_text("This is not there any more.")
    await screen.judge("no-mail")
    await page.get_by_role("button", name="Back").last.click()
    await expect(page.get_by_role("row", name="Letter")).to_be_visible()
    for place in ("mail/99_99", "nonsense", "nonsense/of/parts", "%E0%A4%A"):
        await page.goto(f"{screen.url}/#/{place}")
        await expect(page).to_have_url(re.compile(f"#/mail/{ann.inbox}$|#/mail$"))
        await expect(page.get_by_role("row", name="Letter")).to_be_visible()


async def test_too_many_requests_and_refusals_are_told(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_message(subject="Letter"))
    screen = await open_screen()
    screen.expect_problem("status of 429|status of 503")
    mailbox = await log_in(screen, ann)

    async def refuse(status: int, code: str) -> None:
        async def answer(route: Route) -> None:
            await route.fulfill(
                status=status, json={"errorCode": code, "message": "x"}, headers={"Retry-After": "7"}
            )

        await screen.page.unroute_all()
        await screen.page.route("**/api/v1/conversations/*", answer)

    for status, code, text in (
        (429, "tooManyRequests", "Too many tries. Please wait 7 seconds."),
        (503, "unavailable", "The server is not available just now."),
    ):
        await refuse(status, code)
        await mailbox.row("Letter").get_by_role("button", name="Flag").click()
        await mailbox.expect_told(text)
    screen.problems[:] = [one for one in screen.problems if not one.startswith("answer: 503")]


async def test_a_slow_network(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(
        *(make_message(subject=f"Letter {number}", body=f"Text {number}.\r\n") for number in range(3))
    )
    screen = await open_screen()
    # What has just gone may be asked for once more.
    screen.expect_problem("status of 404")
    mailbox = await log_in(screen, ann)
    session = await screen.page.context.new_cdp_session(screen.page)
    slow = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", slow)
    # Whoever goes on before an answer has come sees what was asked for last.
    for number in (0, 1, 2):
        await mailbox.row(f"Letter {number}").click()
    await expect(mailbox.reading.get_by_role("heading", name="Letter 2")).to_be_visible()
    await expect(mailbox.body.get_by_text("Text 2.")).to_be_visible()
    await screen.page.keyboard.press("#")
    await screen.page.keyboard.press("#")
    await mailbox.expect_told("1 moved to Trash")
    await expect(mailbox.row("Letter 2")).to_be_hidden()


async def test_back_and_reload_in_each_screen(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_message(subject="Letter", body="The text.\r\n"))
    screen = await open_screen()
    screen.expect_problem("status of 404")
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await mailbox.open("Letter")
    await page.reload()
    await expect(mailbox.body.get_by_text("The text.")).to_be_visible()
    places = ("contacts", "settings", "settings/security", "search/letter", "compose")
    for place in places:
        await page.goto(f"{screen.url}/#/{place}")
        await page.reload()
        await expect(page.locator("main").get_by_role("heading").first).to_be_visible()
        await expect(page).to_have_url(re.compile(f"#/{place}"))
    for place in reversed(places[:-1]):
        await page.go_back()
        await expect(page).to_have_url(re.compile(f"#/{place}$"))
    await page.go_back()
    await expect(mailbox.reading.get_by_role("heading", name="Letter")).to_be_visible()
