"""Folders and labels at the side: live counts, making and changing them, and mails dropped on them."""

import re

from playwright.async_api import expect

from tests.browser.conftest import OpenScreen
from tests.browser.mailbox import log_in
from tests.browser.site import SMALL, Member, Site
from tests.fixtures.factories import make_message

MENUS = "region"
"""A menu lies over the page, and in no landmark of it."""


async def test_counts_move_as_mail_comes_in(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_message(subject="First"))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await mailbox.expect_unread("Inbox", 1)
    await expect(mailbox.page).to_have_title(re.compile(r"^\(1\) "))
    plain = await mailbox.page.evaluate("document.querySelector('link[rel=icon]').href")
    await ann.deliver(make_message(subject="Second"), make_message(subject="Third"))
    await expect(mailbox.row("Third")).to_be_visible()
    await mailbox.expect_unread("Inbox", 3)
    await expect(mailbox.page).to_have_title(re.compile(r"^\(3\) "))
    # The number is drawn into the icon, so that it is another one now.
    drawn = "icon => document.querySelector('link[rel=icon]').href !== icon"
    await mailbox.page.wait_for_function(drawn, arg=plain)
    # What is read elsewhere is read here too.
    mails = (await ann.call("GET", f"/mails?folderId={ann.inbox}"))["items"]
    await ann.call("POST", "/batch/mails/update", {"ids": [one["id"] for one in mails], "isUnread": False})
    await mailbox.expect_unread("Inbox", 0)
    await expect(mailbox.page).to_have_title(re.compile(r"^(?!\()"))


async def test_the_app_badge_is_set(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    await screen.page.add_init_script(
        "window.badges = []; navigator.setAppBadge = async (n) => { window.badges.push(n); };"
        "navigator.clearAppBadge = async () => { window.badges.push(0); };"
    )
    await screen.page.reload()
    mailbox = await log_in(screen, ann)
    await ann.deliver(make_message(subject="First"))
    await mailbox.expect_unread("Inbox", 1)
    await mailbox.page.wait_for_function("window.badges.at(-1) === 1")


async def test_folders_are_made_renamed_and_deleted(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await mailbox.folders.get_by_role("button", name="New folder").click()
    await screen.judge("dialog")
    await page.get_by_label("Name of the folder").fill("Travel")
    await page.keyboard.press("Enter")
    await expect(mailbox.folder("Travel")).to_be_visible()
    await mailbox.folders.get_by_role("button", name="Folder Travel").click()
    await screen.judge("menu", without=MENUS)
    await page.get_by_role("menuitem", name="New folder in Travel").click()
    await page.get_by_label("Name of the folder").fill("Norway")
    await page.get_by_role("button", name="Create").click()
    await expect(mailbox.folder("Norway")).to_be_visible()
    await mailbox.folders.get_by_role("button", name="Hide subfolders of Travel").click()
    await expect(mailbox.folder("Norway")).to_be_hidden()
    await mailbox.folders.get_by_role("button", name="Show subfolders of Travel").click()
    await mailbox.folders.get_by_role("button", name="Folder Norway").click()
    await page.get_by_role("menuitem", name="Rename folder").click()
    await page.get_by_label("Name of the folder").fill("Sweden")
    await page.get_by_role("button", name="Rename").click()
    await expect(mailbox.folder("Sweden")).to_be_visible()
    await mailbox.folders.get_by_role("button", name="Folder Sweden").click()
    await page.get_by_role("menuitem", name="Delete folder").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    await mailbox.expect_told("Folder deleted: Sweden")
    # It lies in Trash, until that is taken back.
    in_trash = mailbox.folders.get_by_role("button", name="Hide subfolders of Trash")
    await expect(in_trash).to_be_visible()
    await mailbox.undo()
    await expect(in_trash).to_be_hidden()
    await expect(mailbox.folder("Sweden")).to_be_visible()


async def test_a_folder_in_trash_is_deleted_for_good(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_message(subject="Letter"))
    made = await ann.call("POST", "/folders", {"name": "Travel", "type": "mails"})
    await ann.call("DELETE", f"/folders/{made['id']}")
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await mailbox.folders.get_by_role("button", name="Folder Travel").click()
    await page.get_by_role("menuitem", name="Delete folder").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    await mailbox.expect_told("Folder deleted: Travel")
    await expect(mailbox.folder("Travel")).to_be_hidden()
    # There is no way back, which would take back what was done before that.
    await expect(page.get_by_role("button", name="Undo")).to_be_hidden()


async def test_a_name_that_is_taken_is_told(open_screen: OpenScreen, ann: Member) -> None:
    await ann.call("POST", "/folders", {"name": "Travel", "type": "mails"})
    screen = await open_screen()
    screen.expect_problem("status of 409")
    mailbox = await log_in(screen, ann)
    await mailbox.folders.get_by_role("button", name="New folder").click()
    await mailbox.page.get_by_label("Name of the folder").fill("Travel")
    await mailbox.page.keyboard.press("Enter")
    await mailbox.expect_told("There is one with this name already.")


async def test_mails_are_dropped_on_a_folder(open_screen: OpenScreen, ann: Member) -> None:
    await ann.call("POST", "/folders", {"name": "Travel", "type": "mails"})
    await ann.deliver(*(make_message(subject=f"Letter {number}") for number in range(3)))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await mailbox.row("Letter 1").drag_to(mailbox.folder("Travel"))
    await mailbox.expect_told("1 moved to Travel")
    await expect(mailbox.row("Letter 1")).to_be_hidden()
    await mailbox.expect_unread("Travel", 1)
    await mailbox.expect_unread("Inbox", 2)
    for number in (0, 2):
        await mailbox.row(f"Letter {number}").hover()
        await mailbox.row(f"Letter {number}").get_by_role("checkbox").click()
    await mailbox.row("Letter 2").drag_to(mailbox.folder("Travel"))
    await mailbox.expect_told("2 moved to Travel")
    await mailbox.expect_unread("Travel", 3)
    await mailbox.undo()
    await mailbox.expect_unread("Inbox", 2)
    await expect(mailbox.row("Letter 2")).to_be_visible()


async def test_nothing_is_put_into_scheduled(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_message(subject="Letter"))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await mailbox.open("Letter")
    await mailbox.reading.get_by_role("button", name="Move to folder").click()
    menu = mailbox.page.get_by_role("menu")
    await expect(menu.get_by_role("menuitem", name="Drafts")).to_be_visible()
    await expect(menu.get_by_role("menuitem", name="Scheduled")).to_be_hidden()
    await mailbox.page.keyboard.press("Escape")
    await mailbox.row("Letter").drag_to(mailbox.folder("Scheduled"))
    # Dropped after it, so that the first would have been told by then.
    await mailbox.row("Letter").drag_to(mailbox.folder("Drafts"))
    await mailbox.expect_told("1 moved to Drafts")
    await expect(mailbox.page.get_by_text("1 moved to Scheduled")).to_be_hidden()


async def test_labels(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_message(subject="Letter"), make_message(subject="Other"))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await mailbox.folders.get_by_role("button", name="New label").click()
    await page.get_by_label("Name of the label").fill("To do")
    await page.keyboard.press("Enter")
    await expect(mailbox.folder("To do")).to_be_visible()
    await mailbox.row("Letter").drag_to(mailbox.folder("To do"))
    await mailbox.expect_told("Label To do put on 1")
    await expect(mailbox.row("Letter").get_by_text("To do")).to_be_visible()
    await mailbox.expect_unread("To do", 1)
    await mailbox.folder("To do").click()
    await expect(mailbox.row("Letter")).to_be_visible()
    await expect(mailbox.row("Other")).to_be_hidden()
    await screen.judge("label")
    await mailbox.row("Letter").click()
    await page.keyboard.press("Escape")
    await mailbox.folders.get_by_role("button", name="Label To do").click()
    await page.get_by_role("menuitem", name="Delete label").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    await expect(mailbox.folder("To do")).to_be_hidden()


async def test_how_full_the_mailbox_is(open_screen: OpenScreen, site: Site) -> None:
    dora = await site.add_account(class_name=SMALL)
    mailbox = await log_in(await open_screen(), dora)
    full = mailbox.folders.get_by_role("progressbar")
    await expect(full).to_have_accessible_name("0 MB of 10 MB used")
    await dora.deliver(make_message(body="A line of text.\r\n" * 130_000))
    await expect(full).to_have_accessible_name("2.1 MB of 10 MB used")
    await dora.close()
