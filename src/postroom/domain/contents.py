"""Contents: the messages that mails show, each stored once in an account, and counted by who shows it.

A content goes with its last reference. Its rows of the full-text index come and go with it.
"""

from collections.abc import Iterable, Sequence

from postroom.content.digest import Digest
from postroom.errors import not_found
from postroom.model.ids import ContentId
from postroom.model.mail import Mail
from postroom.store.sql.contents import Content
from postroom.store.tx import Transaction


async def hold_content(tx: Transaction, digest: Digest) -> ContentId:
    """Keep a message that is in no folder, and return its content, with one reference that is the caller's.

    No step of history is made. Raises: notFound where the account has been removed.
    """
    state = await tx.mailbox.advance(step=0, items=0, size_bytes=0, contents=1, item_ids=0, folders=0)
    if state is None:
        raise not_found("the account")
    [content_id] = await add_contents(tx, [digest], state.content_id)
    return content_id


async def add_contents(tx: Transaction, digests: Sequence[Digest], first_id: ContentId) -> list[ContentId]:
    """Put a reference on the content of each message; return their numbers.

    Those that are new are stored, under numbers from ``first_id`` on, as many as there are messages.
    """
    new_ids = [ContentId(first_id + number) for number in range(len(digests))]
    stored = await tx.contents.add(
        Content(
            content_id, digest.sha256, digest.size_bytes, 1, digest.structure, digest.data, digest.threading
        )
        for content_id, digest in zip(new_ids, digests, strict=True)
    )
    for digest, new_id, content_id in zip(digests, new_ids, stored, strict=True):
        if content_id == new_id:
            await tx.index(content_id, digest.index_terms)
            if digest.has_documents:
                await tx.extractions.add(content_id)
    return stored


async def release_contents(tx: Transaction, mails: Iterable[Mail]) -> None:
    """Take the references of removed mails off their contents, and those that nobody shows out of the index."""
    for mail in mails:
        if await tx.contents.release(mail.content_id) <= 0:
            await tx.unindex(mail.content_id)
