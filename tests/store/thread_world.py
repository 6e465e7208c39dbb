"""Messages that answer each other, and what is checked of the conversations that they make."""

from collections.abc import Sequence

from tests.fixtures.factories import DATE, Owner

from postroom.content.digest import Digest, digest_message
from postroom.domain.filing import Flags, file_mail
from postroom.domain.thread_check import find_faults
from postroom.model.conversation import ConversationId
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId, ItemId
from postroom.model.mail import Mail

DAY = 24 * 3600


def letter(
    name: str,
    *,
    subject: str = "Lunch",
    answers: Sequence[str] = (),
    in_reply_to: str = "",
    from_: str = "berta@other.test",
    to: str = "anna@example.test",
) -> Digest:
    """Return a message called ``name`` ("": it has no Message-ID) that answers others."""
    fields = [("From", from_), ("To", to), ("Subject", subject)]
    if name:
        fields.append(("Message-ID", f"<{name}@other.test>"))
    if answers:
        fields.append(("References", " ".join(f"<{one}@other.test>" for one in answers)))
    if in_reply_to:
        fields.append(("In-Reply-To", f"<{in_reply_to}@other.test>"))
    head = "".join(f"{field}: {value}\r\n" for field, value in fields)
    return digest_message(f"{head}\r\nThis is {name}.\r\n".encode())


async def file(owner: Owner, digest: Digest, *, folder_id: FolderId = INBOX, date: int = DATE) -> Mail:
    """File a message."""
    async with owner.store.transaction(owner.account_id) as tx:
        return await file_mail(tx, digest, folder_id, date=date, flags=Flags())


async def list_conversations(owner: Owner) -> dict[ItemId, ConversationId]:
    """Return the conversation of each mail."""
    async with owner.store.read(owner.account_id) as mailbox:
        return {mail.item_id: mail.conversation_id for mail in await mailbox.thread_recounts.list_mails()}


async def assert_threaded(owner: Owner) -> None:
    """Check that all that is kept of conversations is what the mails say."""
    async with owner.store.read(owner.account_id) as mailbox:
        assert await find_faults(mailbox) == []
