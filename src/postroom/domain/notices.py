"""Notices: mails that the server itself files into an Inbox, about the account or about what was sent from it.

They come by no way that mail comes by: no filter and no absence notice sees them, and they are filed however full the
mailbox is, for an owner has to know why mail is refused or lost.
"""

from collections.abc import Awaitable, Callable, Sequence

from postroom.content.digest import Digest
from postroom.domain.filing import Flags, file_mail
from postroom.domain.steps import Deliver, Listed, Record
from postroom.mime.raw import Raw
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId
from postroom.store.tx import Transaction

Prepare = Callable[[Raw, Sequence[AccountId]], Awaitable[Digest]]
"""Makes a message ready to be stored in accounts."""


async def file_notice(tx: Transaction, digest: Digest, *, now: int) -> None:
    """File a notice into the Inbox.

    Args:
        tx: a transaction whose mailbox is locked.
        digest: the notice, ready to be stored.
        now: the present time in Unix milliseconds.
    """
    mail = await file_mail(tx, digest, INBOX, date=now // 1000, flags=Flags())
    step = Deliver(mail.folder_id, [Listed(mail.item_id, mail.uid)])
    await tx.log("deliver", Record([step]), modseq=mail.modseq)
