"""The list: conversations and single mails, every order, any length, and what is done with many rows at once."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PATIENCE_MS, OpenScreen
from tests.browser.mailbox import Mailbox, log_in
from tests.browser.site import Member
from tests.fixtures.factories import make_message

MANY = 3000
"""Mails of a long list. What is in the page depends on its height alone, so that more would show nothing more."""
MOST_ROWS = 40
JOB = 1200
"""Mails that are too many for one answer: the server makes a job of what is done with them."""
SORTS = ("Date", "Sender", "Recipient", "Subject", "Size", "Unread", "Flag", "Importance", "Attachments")
FIELDS = ("date", "from", "to", "subject", "size", "isUnread", "isFlagged", "importance", "hasAttachments")


async def show_conversations(mailbox: Mailbox, *, wanted: bool) -> None:
    """Show conversations, or single mails."""
    # A list of conversations that was asked for just before may come to a server that knows of the change.
    mailbox.screen.expect_problem(r"status of 403 .*/conversations\?")
    button = mailbox.page.get_by_role("button", name="Conversations")
    if await button.get_attribute("aria-pressed") != str(wanted).lower():
        await button.click()
    await expect(button).to_have_attribute("aria-pressed", str(wanted).lower())
    name = "Conversations" if wanted else "Mails"
    await expect(mailbox.page.get_by_role("grid", name=name)).to_be_attached()


async def set_sort(mailbox: Mailbox, *choices: str) -> None:
    """Choose an order, and a direction."""
    for choice in choices:
        await mailbox.page.get_by_role("button", name="Sort").click()
        await mailbox.page.get_by_role("menuitemradio", name=choice, exact=True).click()


async def test_conversations_and_single_mails(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(
        make_message(subject="Lunch", body="One.\r\n", headers=[("X-Number", "1")]),
        make_message(subject="Other"),
    )
    [first] = [
        one
        for one in (await ann.call("GET", f"/mails?folderId={ann.inbox}"))["items"]
        if one["subject"] == "Lunch"
    ]
    answer = [("In-Reply-To", first["messageId"]), ("References", first["messageId"])]
    await ann.deliver(make_message(subject="Re: Lunch", body="Two.\r\n", headers=answer))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await expect(mailbox.rows).to_have_count(2)
    await expect(mailbox.row("Lunch")).to_contain_text("2")
    await mailbox.row("Lunch").click()
    await expect(mailbox.reading.get_by_role("article")).to_have_count(2)
    await expect(mailbox.body.get_by_text("Two.")).to_be_visible()
    await screen.judge("conversation")
    await show_conversations(mailbox, wanted=False)
    await expect(mailbox.rows).to_have_count(3)
    await mailbox.row("Re: Lunch").click()
    await expect(mailbox.body.get_by_text("Two.")).to_be_visible()
    await expect(mailbox.reading.get_by_role("article")).to_have_count(1)
    await screen.judge("single")
    await show_conversations(mailbox, wanted=True)
    await expect(mailbox.rows).to_have_count(2)


async def test_every_order(open_screen: OpenScreen, ann: Member) -> None:
    await ann.owner.add_many(12)
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await show_conversations(mailbox, wanted=False)
    for name, field in zip(SORTS, FIELDS, strict=True):
        for direction, short in (("Ascending", "ASC"), ("Descending", "DESC")):
            await set_sort(mailbox, name, direction)
            query = f"/mails?folderId={ann.inbox}&sort={field}&dir={short}&limit=12"
            wanted = [one["subject"] for one in (await ann.call("GET", query))["items"]]
            await expect(mailbox.rows).to_have_count(12)
            await expect(mailbox.page.get_by_role("row").first).to_be_visible()
            await wait_for_subjects(mailbox, wanted)


async def wait_for_subjects(mailbox: Mailbox, wanted: list[str]) -> None:
    """Wait until the rows are these, from above."""
    try:
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while True:
                if await mailbox.subjects(len(wanted)) == wanted:
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        assert await mailbox.subjects(len(wanted)) == wanted


@pytest.mark.parametrize("conversations", [False, True])
async def test_what_is_pressed_is_what_is_opened(
    open_screen: OpenScreen, ann: Member, conversations: bool
) -> None:
    """Also where another mail would take its place while the button is down."""
    await ann.deliver(make_message(subject="Pressed"))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = screen.page
    await show_conversations(mailbox, wanted=conversations)
    await mailbox.row("Pressed").hover()
    await page.mouse.down()
    kind = "conversations" if conversations else "mails"
    async with page.expect_response(f"**/api/v1/{kind}?*") as fetched:
        await ann.deliver(make_message(subject="On top"))
    await (await fetched.value).finished()
    await page.evaluate("() => new Promise((done) => setTimeout(done, 100))")
    await page.mouse.up()
    await expect(mailbox.reading.get_by_role("heading", name="Pressed")).to_be_visible()
    await wait_for_subjects(mailbox, ["On top", "Pressed"])


async def test_a_long_list(open_screen: OpenScreen, ann: Member) -> None:
    await ann.owner.add_many(MANY)
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await show_conversations(mailbox, wanted=False)
    grid = page.get_by_role("grid")
    await expect(grid).to_have_attribute("aria-rowcount", str(MANY))
    await mailbox.rows.first.focus()
    for keys, number in ((["End"], MANY), (["PageUp", "Home"], 1), (["PageDown", "End"], MANY)):
        for key in keys:
            await page.keyboard.press(key)
        await expect(grid.locator(f"[aria-rowindex='{number}']")).to_be_focused()
        assert await mailbox.rows.count() <= MOST_ROWS
    for part in (0.1, 0.5, 0.9, 0.3):
        await grid.evaluate("(list, part) => { list.scrollTop = list.scrollHeight * part; }", part)
        row = grid.locator(f"[aria-rowindex='{round(MANY * part) + 2}']")
        await expect(row).to_be_in_viewport()
        await expect(row.get_by_role("checkbox")).to_be_attached()
        assert await mailbox.rows.count() <= MOST_ROWS
    await screen.judge("middle")
    # A mail that comes in above moves what is below by one row.
    await ann.deliver(make_message(subject="On top"))
    await expect(grid).to_have_attribute("aria-rowcount", str(MANY + 1))


async def test_many_are_changed_at_once(open_screen: OpenScreen, ann: Member) -> None:
    await ann.owner.add_many(600)
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await show_conversations(mailbox, wanted=False)
    unread = (await ann.call("GET", f"/folders/{ann.inbox}"))["unreadItems"]
    await mailbox.expect_unread("Inbox", unread)
    await mailbox.rows.nth(0).hover()
    await mailbox.rows.nth(0).get_by_role("checkbox").click()
    await mailbox.rows.nth(4).click(modifiers=["Shift"])
    await expect(page.get_by_text("5 selected")).to_be_visible()
    await screen.judge("selected")
    await page.get_by_role("checkbox", name="Select none").click()
    await page.get_by_role("checkbox", name="Select all").click()
    await expect(page.get_by_text("600 selected")).to_be_visible()
    await page.get_by_role("button", name="Mark as read").click()
    await mailbox.expect_told("600 marked as read")
    await mailbox.expect_unread("Inbox", 0)
    await page.get_by_role("checkbox", name="Select all").click()
    await page.get_by_role("button", name="Delete", exact=True).click()
    await mailbox.expect_told("600 moved to Trash")
    await expect(page.get_by_text("Nothing here.")).to_be_visible()
    await mailbox.undo()
    await expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "600")


@pytest.mark.parametrize("conversations", [True, False])
async def test_keys(open_screen: OpenScreen, ann: Member, conversations: bool) -> None:
    await ann.deliver(*(make_message(subject=f"Letter {number}") for number in range(5)))
    screen = await open_screen()
    # What was open may be asked for once more when it has just gone.
    screen.expect_problem("status of 404")
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await show_conversations(mailbox, wanted=conversations)
    await mailbox.open("Letter 4")
    await page.keyboard.press("j")
    await expect(mailbox.reading.get_by_role("heading", name="Letter 3")).to_be_visible()
    await page.keyboard.press("k")
    await expect(mailbox.reading.get_by_role("heading", name="Letter 4")).to_be_visible()
    await mailbox.expect_unread("Inbox", 3)
    await page.keyboard.press("u")
    await expect(mailbox.reading.get_by_role("heading", name="Letter 4")).to_be_hidden()
    await mailbox.open("Letter 4")
    await page.keyboard.press("e")
    await mailbox.expect_told("1 archived")
    await expect(mailbox.row("Letter 4")).to_be_hidden()
    await page.keyboard.press("z")
    await mailbox.expect_told("Taken back.")
    await expect(mailbox.row("Letter 4")).to_be_visible()
    await mailbox.open("Letter 2")
    await page.keyboard.press("#")
    await mailbox.expect_told("1 moved to Trash")
    await expect(mailbox.row("Letter 2")).to_be_hidden()
    await mailbox.undo()
    await expect(mailbox.row("Letter 2")).to_be_visible()
    # A menu that a key opened gives the focus back, and so does another screen.
    await mailbox.rows.first.focus()
    await page.keyboard.press("v")
    await expect(page.get_by_role("menu")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(mailbox.rows.first).to_be_focused()
    await page.keyboard.press("c")
    await expect(page.get_by_role("combobox", name="To")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("[role=row]:focus")).to_be_visible()
    await page.keyboard.press("/")
    await expect(page.get_by_role("combobox", name="Search mails")).to_be_focused()
    await page.keyboard.press("Escape")
    await mailbox.rows.first.focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await screen.judge("help")
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("t")
    await expect(page).to_have_url(re.compile("#/mail"))


RECORD_PROGRESS = """() => {
    window.progress = [];
    new MutationObserver(() => {
        const bars = [...document.querySelectorAll("pr-toast progress")];
        window.progress.push(...bars.filter((bar) => bar.position >= 0).map((bar) => bar.value));
    }).observe(document.body, { subtree: true, childList: true });
}"""


@pytest.mark.parametrize("conversations", [True, False])
async def test_a_job_shows_how_far_it_is(open_screen: OpenScreen, ann: Member, conversations: bool) -> None:
    await ann.owner.add_many(JOB, subjects=JOB)
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await show_conversations(mailbox, wanted=conversations)
    grid = page.get_by_role("grid")
    await expect(grid).not_to_have_attribute("aria-rowcount", "0")
    rows = int(await grid.get_attribute("aria-rowcount") or 0)
    assert rows == JOB
    await page.evaluate(RECORD_PROGRESS)
    await page.get_by_role("checkbox", name="Select all").click()
    async with page.expect_response(lambda answer: "/batch/" in answer.url) as made:
        await page.get_by_role("button", name="Delete", exact=True).click()
    assert (await made.value).status == 201
    await mailbox.expect_told(f"{rows:,} moved to Trash")
    await expect(page.get_by_role("progressbar")).to_be_hidden()
    shown = await page.evaluate("window.progress.splice(0)")
    assert shown
    assert shown == sorted(shown)
    await expect(page.get_by_text("Nothing here.")).to_be_visible()
    async with page.expect_response(lambda answer: "/undo" in answer.url) as taken_back:
        await mailbox.undo()
    # Conversations are taken back while one waits for the answer.
    is_job = (await taken_back.value).status == 201
    assert is_job is not conversations
    assert bool(await page.evaluate("window.progress.splice(0)")) is is_job
    await expect(grid).to_have_attribute("aria-rowcount", str(rows))
    # Another deed, another job: its events are not taken for those of the first.
    await page.get_by_role("checkbox", name="Select all").click()
    await page.get_by_role("button", name="Mark as read").click()
    await mailbox.expect_told(f"{rows:,} marked as read")
    await mailbox.expect_unread("Inbox", 0)
