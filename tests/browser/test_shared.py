"""Folders that others share: what a reader sees and does there, and what he is told that he may not do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
from playwright.async_api import expect

from postroom.model.ids import FolderId
from tests.browser.conftest import OpenScreen
from tests.browser.mailbox import Mailbox, log_in
from tests.browser.site import Member, Site
from tests.fixtures.factories import make_message

REFUSED = "status of 403"
DENIED = "You may not do this."


@dataclass
class Shared:
    """A folder of somebody else."""

    owner: Member
    folder: str

    async def grant(self, member: Member, letters: str) -> None:
        """Say what somebody may do there."""
        body = {"account": member.address, "permissions": list(letters)}
        await self.owner.call("PUT", f"/folders/{self.folder}/permissions", body)

    async def subjects(self) -> set[str]:
        """Return what is in there, as its owner sees it."""
        found = await self.owner.call("GET", f"/mails?folderId={self.folder}")
        return {one["subject"] for one in found["items"]}


@pytest_asyncio.fixture(loop_scope="package")
async def minutes(site: Site) -> AsyncIterator[Shared]:
    """A folder with two mails."""
    bea = await site.add_account(full_name="Bea Example")
    made = await bea.call("POST", "/folders", {"name": "Minutes", "type": "mails"})
    number = FolderId(int(made["id"].partition("_")[2]))
    for day in ("Monday", "Tuesday"):
        await bea.owner.add_mail(make_message(subject=f"Of {day}"), folder_id=number)
    yield Shared(bea, made["id"])
    await bea.close()


async def enter(open_screen: OpenScreen, ann: Member) -> Mailbox:
    """Log in and open the folder."""
    screen = await open_screen()
    screen.expect_problem(REFUSED)
    mailbox = await log_in(screen, ann)
    await expect(mailbox.folders.get_by_role("heading", name="Other users' folders")).to_be_visible()
    await mailbox.folder("Minutes").click()
    return mailbox


async def test_a_reader(open_screen: OpenScreen, ann: Member, minutes: Shared) -> None:
    await minutes.grant(ann, "lrs")
    mailbox = await enter(open_screen, ann)
    page = mailbox.page
    await mailbox.expect_unread("Minutes", 2)
    await mailbox.open("Of Monday")
    await mailbox.expect_unread("Minutes", 1)
    # What a reader has read, the owner has not.
    unread = (await minutes.owner.call("GET", f"/folders/{minutes.folder}"))["unreadItems"]
    assert unread == 2
    await mailbox.screen.judge("reading")
    for name in ("Delete", "Archive", "Move to folder", "Labels"):
        await expect(mailbox.reading.get_by_role("button", name=name, exact=True)).to_be_hidden()
    await mailbox.reading.get_by_role("button", name="More", exact=True).first.click()
    for name in ("Flag", "Delete", "Move to folder"):
        item = page.get_by_role("menuitem", name=name)
        await expect(item).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Escape")
    # Keys and the mouse know no permissions: the server's answer is told.
    await page.keyboard.press("s")
    await mailbox.expect_told(DENIED)
    await page.get_by_role("button", name="Dismiss").last.click()
    await mailbox.row("Of Tuesday").drag_to(mailbox.folder("Inbox"))
    await mailbox.expect_told(DENIED)
    await expect(mailbox.row("Of Tuesday")).to_be_visible()
    await page.get_by_role("button", name="Dismiss").last.click()
    await ann.deliver(make_message(subject="Of mine"))
    await mailbox.folder("Inbox").click()
    await expect(mailbox.row("Of mine")).to_be_visible()
    await mailbox.row("Of mine").drag_to(mailbox.folder("Minutes"))
    await expect(mailbox.row("Of mine")).to_be_visible()
    assert await minutes.subjects() == {"Of Monday", "Of Tuesday"}


async def test_an_editor(open_screen: OpenScreen, ann: Member, minutes: Shared) -> None:
    await minutes.grant(ann, "lrswikxte")
    mailbox = await enter(open_screen, ann)
    # What is another's cannot go to Trash.
    await mailbox.folders.get_by_role("button", name="Folder Minutes").click()
    await expect(mailbox.page.get_by_role("menuitem", name="Rename folder")).to_be_visible()
    await expect(mailbox.page.get_by_role("menuitem", name="Delete folder")).to_be_hidden()
    await mailbox.page.keyboard.press("Escape")
    await mailbox.row("Of Monday").drag_to(mailbox.folder("Inbox"))
    await mailbox.expect_told("1 moved to Inbox")
    await expect(mailbox.row("Of Monday")).to_be_hidden()
    assert await minutes.subjects() == {"Of Tuesday"}
    # What was taken out of another's folder goes back by hand: to take it back would not put it there.
    await expect(mailbox.page.get_by_role("button", name="Undo")).to_be_hidden()
    await mailbox.page.keyboard.press("z")
    await mailbox.expect_told("nothing to")
    await mailbox.folder("Inbox").click()
    await mailbox.row("Of Monday").drag_to(mailbox.folder("Minutes"))
    await expect(mailbox.row("Of Monday")).to_be_hidden()
    assert await minutes.subjects() == {"Of Monday", "Of Tuesday"}
    await ann.deliver(make_message(subject="Of mine"))
    await mailbox.row("Of mine").drag_to(mailbox.folder("Minutes"))
    await mailbox.expect_told("1 moved to Minutes")
    await expect(mailbox.row("Of mine")).to_be_hidden()
    assert await minutes.subjects() == {"Of Monday", "Of Tuesday", "Of mine"}
    await mailbox.folder("Minutes").click()
    await mailbox.open("Of mine")
    await mailbox.page.keyboard.press("s")
    await expect(mailbox.reading.get_by_role("img", name="Flagged")).to_be_visible()
    # Archive and Spam are for one's own mail; and what is another's cannot go to Trash, so that one is asked.
    toolbar = mailbox.reading.get_by_role("toolbar")
    for name in ("Archive", "Spam"):
        await expect(toolbar.get_by_role("button", name=name, exact=True)).to_be_hidden()
    await toolbar.get_by_role("button", name="Delete").click()
    question = mailbox.page.get_by_role("dialog", name="Delete for good")
    await question.get_by_role("button", name="Delete").click()
    await mailbox.expect_told("1 deleted")
    await expect(mailbox.row("Of mine")).to_be_hidden()
    for day in ("Monday", "Tuesday"):
        await mailbox.row(f"Of {day}").hover()
        await mailbox.row(f"Of {day}").get_by_role("checkbox").click()
    await mailbox.page.get_by_role("toolbar").get_by_role("button", name="Delete").first.click()
    await question.get_by_role("button", name="Delete").click()
    await mailbox.expect_told("2 deleted")
    await expect(mailbox.page.get_by_role("button", name="Undo")).to_be_hidden()
    assert await minutes.subjects() == set()


async def test_a_folder_that_is_shared_no_more(open_screen: OpenScreen, ann: Member, minutes: Shared) -> None:
    await minutes.grant(ann, "lrs")
    mailbox = await enter(open_screen, ann)
    mailbox.screen.expect_problem("status of 404")
    await mailbox.open("Of Monday")
    await mailbox.expect_unread("Minutes", 1)
    # Until nothing is asked for any more, which could tell of the folder's end by itself.
    await mailbox.page.wait_for_timeout(1500)
    path = f"/folders/{minutes.folder}/permissions?account={ann.address}"
    await minutes.owner.call("DELETE", path)
    await expect(mailbox.folder("Minutes")).to_be_hidden()
    await expect(mailbox.row("Of Tuesday")).to_be_hidden()
    await expect(mailbox.page.get_by_role("heading", name="Inbox")).to_be_visible()
