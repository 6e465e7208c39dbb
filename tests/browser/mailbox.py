"""What people do in the mail screens, by the names that they see."""

import re
from dataclasses import dataclass

from playwright.async_api import FrameLocator, Locator, Page, expect

from tests.browser.screen import Screen
from tests.browser.site import PASSWORD, Member


async def fill_in_login(page: Page, address: str, password: str) -> None:
    """Type the name and the password, and go on."""
    await page.get_by_label("Mail address").fill(address)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()


@dataclass(frozen=True)
class Mailbox:
    """The mail screens of somebody who has logged in, in English."""

    screen: Screen

    @property
    def page(self) -> Page:
        """The page."""
        return self.screen.page

    # Folders

    @property
    def folders(self) -> Locator:
        """The side with folders and labels."""
        return self.page.get_by_role("navigation", name="Folders")

    def folder(self, name: str) -> Locator:
        """The link of a folder or label; its name goes on with how many are unread."""
        return self.folders.get_by_role("link", name=re.compile(rf"^{re.escape(name)}\b"))

    async def expect_unread(self, folder: str, count: int) -> None:
        """Wait until a folder shows how many of its mails are unread."""
        name = f"{folder} {count} unread" if count else folder
        link = self.folders.get_by_role("link", name=name, exact=True)
        await expect(link).to_be_visible()

    # The list

    @property
    def rows(self) -> Locator:
        """The rows of the list that are in the page."""
        return self.page.get_by_role("grid").get_by_role("row")

    def row(self, text: str) -> Locator:
        """The row whose description has a text."""
        return self.page.get_by_role("row", name=text)

    async def subjects(self, count: int) -> list[str]:
        """Return the subjects of the rows from above, once there are so many."""
        await expect(self.rows).to_have_count(count)
        found = {}
        for row in await self.rows.all():
            place = int(await row.get_attribute("aria-rowindex") or 0)
            name = await row.get_by_role("checkbox").get_attribute("aria-label")
            found[place] = (name or "").removeprefix("Select ")
        return [found[place] for place in sorted(found)]

    # Reading

    @property
    def reading(self) -> Locator:
        """Where a mail is read."""
        return self.page.get_by_role("region", name="Mail", exact=True)

    @property
    def body(self) -> FrameLocator:
        """What the mail says."""
        return self.page.get_by_title("Text of the mail").last.content_frame

    async def open(self, subject: str) -> None:
        """Open a mail from the list, and wait until it is shown."""
        await self.row(subject).click()
        await expect(self.reading.get_by_role("heading", name=subject)).to_be_visible()

    # What is done

    async def expect_told(self, text: str) -> None:
        """Wait until a message at the edge of the screen says something."""
        region = self.page.get_by_role("region", name="Messages")
        await expect(region.get_by_text(text).last).to_be_visible()

    async def undo(self) -> None:
        """Take back what was done last."""
        region = self.page.get_by_role("region", name="Messages")
        await region.get_by_role("button", name="Undo").last.click()
        await self.expect_told("Taken back.")


async def log_in(screen: Screen, member: Member) -> Mailbox:
    """Log in, and wait until the folders are there."""
    await fill_in_login(screen.page, member.address, PASSWORD)
    mailbox = Mailbox(screen)
    await expect(mailbox.folder("Inbox")).to_be_visible()
    return mailbox
