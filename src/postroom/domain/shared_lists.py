"""Lists of mails in folders of others: what is unread in them is each reader's own.

They are pages of the folder's own orders, on which each mail is shown as the reader has it. The order by isUnread
alone is not one of the folder: it is put together for the reader of the order by date and his marks, which costs as
much as the folder holds, and so there is none for large folders.
"""

from collections.abc import Sequence

from postroom.domain.access import see_folder, see_mails
from postroom.errors import bad_parameter
from postroom.model.account import Caller
from postroom.model.folder import Folder
from postroom.model.ids import ItemId, MailRef, Uid
from postroom.model.listing import MailListRequest, MailPage, Sort, SortField
from postroom.model.mail import Mail
from postroom.store.order_keys import key_of
from postroom.store.tx import Snapshot

MOST_SORTED = 20_000
"""Mails of a folder that are put in order for one of its readers."""


async def list_shared_page(
    mailbox: Snapshot, caller: Caller, folder: Folder, *, sort: Sort, request: MailListRequest
) -> MailPage:
    """Return a page of another's folder, as long as asked for, as a caller has it. Raises: badParameter."""
    active = request.active
    limit = request.limit or 1
    if sort.field is SortField.IS_UNREAD:
        order = await list_by_unread(mailbox, caller, folder, descending=sort.descending)
        located = await mailbox.mails.locate_items(
            [item for item, _ in order[request.start : request.start + limit]]
        )
        mails = [located[item].mail for item, _ in order[request.start : request.start + limit]]
        row = _row_in(order, folder, active)
    else:
        mails = []
        if request.start < folder.total_items:
            position = await mailbox.orders.find_position(folder.folder_id, sort, request.start)
            mails = await mailbox.mails.list_page(
                folder.folder_id, sort, anchor=position.anchor, skip=position.skip, limit=limit
            )
        row = -1
        if active is not None:
            row = await find_active_row(mailbox, folder, sort=sort, active=active)
    seen: list[Mail] = await see_mails(mailbox, caller.account_id, mails)
    return MailPage(await see_folder(mailbox, caller, folder), sort, row, seen)


async def list_by_unread(
    mailbox: Snapshot, caller: Caller, folder: Folder, *, descending: bool
) -> list[tuple[ItemId, Uid]]:
    """Return the mails of another's folder by whether a caller has seen them, then by date. Raises: badParameter."""
    if folder.total_items > MOST_SORTED:
        raise bad_parameter(
            "sort", f"a folder of another with more than {MOST_SORTED} mails has no order by isUnread"
        )
    by_date = Sort(SortField.DATE, descending=descending)
    rows = await mailbox.mails.list_items(
        folder.folder_id, by_date, anchor=None, skip=0, limit=folder.total_items
    )
    marks = await mailbox.reader_marks.list_marks(folder.folder_id, caller.account_id)
    seen = frozenset(mark.uid for mark in marks if mark.is_seen)
    order = [(row.item_id, Uid(row.place.uid)) for row in rows]
    return sorted(order, key=lambda one: (one[1] not in seen) != descending)


def _row_in(order: Sequence[tuple[ItemId, Uid]], folder: Folder, active: MailRef | None) -> int:
    if active is None or (active.owner, active.folder) != (folder.account_id, folder.folder_id):
        return -1
    return next((row for row, (_, uid) in enumerate(order) if uid == active.uid), -1)


async def find_active_row(mailbox: Snapshot, folder: Folder, *, sort: Sort, active: MailRef) -> int:
    """Return the row of a mail in the list of a folder, -1 if it is not there."""
    if (active.owner, active.folder) != (folder.account_id, folder.folder_id):
        return -1
    keys = await mailbox.mails.find_keys(folder.folder_id, active.uid)
    if keys is None:
        return -1
    key = key_of(sort.field, keys, active.uid)
    return await mailbox.orders.rank(folder.folder_id, sort, key=key, total_items=folder.total_items)
