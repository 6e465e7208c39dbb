"""The same over PostgreSQL: mail comes in, is read, moved and taken back."""

from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import OpenScreen
from tests.browser.mailbox import log_in
from tests.browser.site import running_site
from tests.fixtures.factories import make_message


async def test_a_mailbox(open_screen: OpenScreen, postgres_url: str, tmp_path: Path) -> None:
    async with running_site(tmp_path, postgres_url) as site:
        member = await site.add_account()
        screen = await open_screen(url=site.url)
        mailbox = await log_in(screen, member)
        await member.deliver(make_message(subject="Letter", body="The text.\r\n"))
        await mailbox.expect_unread("Inbox", 1)
        await mailbox.open("Letter")
        await expect(mailbox.body.get_by_text("The text.")).to_be_visible()
        await mailbox.expect_unread("Inbox", 0)
        await mailbox.page.keyboard.press("#")
        await mailbox.expect_told("1 moved to Trash")
        await mailbox.undo()
        await expect(mailbox.row("Letter")).to_be_visible()
        await screen.page.goto("about:blank")
        await member.close()
