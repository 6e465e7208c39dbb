"""Numbers for the things of an account, which are never given out twice."""

from postroom.errors import not_found
from postroom.store.tx import Transaction


async def take_number(tx: Transaction) -> int:
    """Take the mailbox's turn to write, and a number that nothing else of the account has or ever had.

    It is of the row from which mails have theirs. Raises: notFound where the account has been removed.
    """
    state = await tx.mailbox.advance(step=0, items=0, size_bytes=0, contents=0, item_ids=1, folders=0)
    if state is None:
        raise not_found("the account")
    return state.item_id
