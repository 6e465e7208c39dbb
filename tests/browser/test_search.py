"""Search as one types, with suggestions and the language of searches."""

import re

from playwright.async_api import expect

from tests.browser.conftest import OpenScreen
from tests.browser.mailbox import Mailbox, log_in
from tests.browser.site import Member
from tests.fixtures.factories import make_message


async def type_search(mailbox: Mailbox, text: str) -> None:
    """Type into the search, as people do."""
    box = mailbox.page.get_by_role("combobox", name="Search mails")
    await box.click()
    await box.fill("")
    await box.press_sequentially(text)


async def test_search(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(
        make_message(subject="Lunch on Monday", from_="Bea Baker <bea@other.test>", body="Soup.\r\n"),
        make_message(subject="Invoice", from_="Carl Cook <carl@other.test>", body="For the soup.\r\n"),
        make_message(subject="Holiday", body="Mountains.\r\n"),
    )
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await expect(mailbox.rows).to_have_count(3)
    await type_search(mailbox, "soup")
    await expect(mailbox.rows).to_have_count(2)
    await expect(mailbox.row("Holiday")).to_be_hidden()
    await type_search(mailbox, "from:carl soup")
    await expect(mailbox.rows).to_have_count(1)
    await expect(mailbox.row("Invoice")).to_be_visible()
    await type_search(mailbox, "is:unread -subject:invoice")
    await expect(mailbox.rows).to_have_count(2)
    await type_search(mailbox, "nowhere")
    await expect(page.get_by_text("Nothing found.")).to_be_visible()
    await screen.judge("nothing")
    await type_search(mailbox, "in:inbox holiday")
    await mailbox.open("Holiday")
    await expect(mailbox.body.get_by_text("Mountains.")).to_be_visible()
    await page.get_by_role("button", name="Clear the search").click()
    await expect(mailbox.rows).to_have_count(3)


async def test_suggestions(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_message(subject="Lunch on Monday", from_="Bea Baker <bea@other.test>"))
    await ann.call("POST", "/folders", {"name": "Travel", "type": "mails"})
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await type_search(mailbox, "fr")
    await expect(page.get_by_role("option", name="from:")).to_be_visible()
    await screen.judge("words")
    await type_search(mailbox, "in:tr")
    await expect(page.get_by_role("option", name="Travel")).to_be_visible()
    # In one go: what comes in for a letter more takes the choice back.
    await page.get_by_role("combobox", name="Search mails").fill("bak")
    option = page.get_by_role("option", name="Bea Baker")
    await expect(option).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("option", selected=True)).to_have_count(1)
    await option.click()
    await expect(page.get_by_role("combobox", name="Search mails")).to_have_value(
        re.compile('^from:"Bea Baker')
    )
    await expect(mailbox.row("Lunch on Monday")).to_be_visible()


async def test_what_is_not_understood_is_told(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_message(subject="Lunch"))
    screen = await open_screen()
    screen.expect_problem("status of 400")
    mailbox = await log_in(screen, ann)
    await type_search(mailbox, "before:yesterdayish")
    await expect(mailbox.page.get_by_role("main")).to_contain_text("yesterdayish")


async def test_what_was_found_is_gone_through_by_keys(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(*(make_message(subject=f"Budget {number}") for number in range(3)))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await page.keyboard.press("/")
    await page.keyboard.type("budget")
    await page.keyboard.press("Enter")
    # In what was found each mail says where it lies.
    await expect(mailbox.rows.first).to_contain_text("Inbox")
    await expect(mailbox.rows.first).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(mailbox.reading.get_by_role("heading", name="Budget 1")).to_be_visible()


async def test_what_was_found_in_trash_is_deleted_for_good(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_message(subject="Budget old"), make_message(subject="Budget new"))
    for mail in (await ann.call("GET", f"/mails?folderId={ann.inbox}"))["items"]:
        if mail["subject"] == "Budget old":
            await ann.call("DELETE", f"/mails/{mail['id']}")
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await page.goto(f"{screen.url}/#/search/budget")
    # What lies elsewhere goes to Trash, and can be taken back.
    await mailbox.open("Budget new")
    await page.keyboard.press("#")
    await mailbox.expect_told("1 moved to Trash")
    await mailbox.undo()
    # What lies there is gone; so the reader is asked, and offered no way back.
    await mailbox.open("Budget old")
    await page.keyboard.press("#")
    question = page.get_by_role("dialog", name="Delete for good")
    await question.get_by_role("button", name="Cancel").click()
    await expect(mailbox.row("Budget old")).to_be_visible()
    await page.get_by_role("checkbox", name="Select all").click()
    await page.get_by_role("button", name="Delete", exact=True).first.click()
    await question.get_by_role("button", name="Delete").click()
    await mailbox.expect_told("2 deleted")
    await expect(page.get_by_role("button", name="Undo")).to_be_hidden()
    trash = (await ann.call("GET", f"/mails?folderId={ann.owner.account_id}_5"))["items"]
    assert [mail["subject"] for mail in trash] == ["Budget new"]
