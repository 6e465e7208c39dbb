"""Conversations as a reader of another's folders sees them: of each, the mails alone that he may read.

A conversation crosses folders, and a reader may read some of them. What is shown to him (participants, counts, flags,
subject) is made of the mails in these alone, as if there were no others; it is made anew for each call, and
remembered for nobody. A conversation of which he may read no mail does not exist for him.

The list of a folder has its rows in the folder's own order by date, which is that of mails he may read. By anything
else it is put in order here, of what he sees; so large folders have no other order for readers.

State. A reader's view changes with the conversation, with his own marks, and with what he is given; the last of these
positions in the owner's history is its state. It may move on, too, when a mail changes that he does not see.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from postroom.domain.access import LIST, READ, asker_of, see_mails
from postroom.domain.conversation_views import ConversationView, Viewer, make_view
from postroom.errors import bad_parameter, not_found, not_permitted
from postroom.mime.summary import sort_keys
from postroom.model.account import Caller
from postroom.model.conversation import Conversation, ConversationId
from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.model.listing import Sort, SortField
from postroom.model.mail import Mail
from postroom.store.sql.conversation_lists import MemberPlace
from postroom.store.tx import Snapshot

MOST_SORTED = 1000
"""Conversations of a folder that are put in order for one of its readers."""
_AT_ONCE = 50


class SharedPage(NamedTuple):
    """Conversations of a page, and the row of the one that was asked for, -1 if it is not there."""

    views: list[ConversationView]
    active_row: int


async def find_state(mailbox: Snapshot, reader_id: AccountId) -> Modseq:
    """Return the position of the last change of what a reader is given, or has marked, in another's mailbox."""
    states = await mailbox.reader_marks.list_states(reader_id)
    given = await mailbox.grants.find_modseq()
    return Modseq(max([given, *(state.modseq for state in states.values())]))


async def list_rights(mailbox: Snapshot, caller: Caller) -> dict[FolderId, str]:
    """Return what a reader may do in the folders of another's mailbox that he may list."""
    given = await mailbox.grants.list_for(asker_of(caller))
    return {folder_id: rights for folder_id, rights in given.items() if LIST in rights}


async def list_members(mailbox: Snapshot, caller: Caller, number: ConversationId) -> list[MemberPlace]:
    """Return the mails of a conversation that a reader may read, oldest first; not empty.

    Raises: notFound; notPermitted where he sees a folder of it that he may not read.
    """
    members = (await mailbox.conversation_lists.list_members([number])).get(number, [])
    rights = await list_rights(mailbox, caller)
    readable = [one for one in members if READ in rights.get(one.folder_id, "")]
    if readable:
        return readable
    if any(one.folder_id in rights for one in members):
        raise not_permitted("your permissions in the folders of this conversation lack r")
    raise not_found("the conversation")


async def see_state(
    mailbox: Snapshot, caller: Caller, conversation: Conversation, *, total_items: int
) -> Conversation:
    """Return a conversation as a reader has it."""
    state = await find_state(mailbox, caller.account_id)
    return conversation._replace(modseq=max(conversation.modseq, state), total_items=total_items)


async def list_views(
    mailbox: Snapshot, caller: Caller, numbers: Sequence[ConversationId], *, viewer: Viewer
) -> list[ConversationView]:
    """Return conversations as a reader sees them, in their order, without those of which he may read nothing."""
    rights = await list_rights(mailbox, caller)
    views: list[ConversationView] = []
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        found = await mailbox.conversation_lists.list_mails(some)
        for number in some:
            mails = [mail for mail in found.get(number, []) if READ in rights.get(mail.folder_id, "")]
            if mails:
                seen = await see_mails(mailbox, caller.account_id, mails)
                views.append(await make_view(mailbox.account_id, seen, viewer))
    return views


async def list_page(
    mailbox: Snapshot,
    caller: Caller,
    folder: Folder,
    *,
    sort: Sort,
    rows: tuple[int, int],
    viewer: Viewer,
    active: ConversationId | None,
) -> SharedPage:
    """Return some rows (from the first number on, as many as the second) of the list of another's folder.

    Raises: badParameter for an order that the folder has not for a reader.
    """
    start, limit = rows
    if sort.field is SortField.DATE:
        numbers: list[ConversationId] = []
        if start < folder.conversations:
            position = await mailbox.conversation_orders.find_position(folder.folder_id, sort, start)
            found = await mailbox.conversation_lists.list_page(
                folder.folder_id, sort, anchor=position.anchor, skip=position.skip, limit=limit
            )
            numbers = [row.conversation_id for row in found]
        return SharedPage(await list_views(mailbox, caller, numbers, viewer=viewer), -1)
    check_sorted(folder)
    by_date = Sort(SortField.DATE, descending=sort.descending)
    everything = await mailbox.conversation_lists.list_page(
        folder.folder_id, by_date, anchor=None, skip=0, limit=folder.conversations
    )
    views = await list_views(mailbox, caller, [row.conversation_id for row in everything], viewer=viewer)
    return cut_sorted(views, sort=sort, rows=rows, active=active)


def check_sorted(folder: Folder) -> None:
    """Refuse to put very many conversations in order for a reader. Raises: badParameter."""
    if folder.conversations > MOST_SORTED:
        raise bad_parameter(
            "sort", f"a folder of another with more than {MOST_SORTED} conversations is sorted by date alone"
        )


def cut_sorted(
    views: Sequence[ConversationView], *, sort: Sort, rows: tuple[int, int], active: ConversationId | None
) -> SharedPage:
    """Return some rows of conversations, given by date in the same direction, by another order."""
    # Sorting keeps the order of equals, also in reverse.
    ordered = sorted(views, key=lambda view: _key_of(view, sort.field), reverse=sort.descending)
    row = next((row for row, view in enumerate(ordered) if view.conversation_id == active), -1)
    start, limit = rows
    return SharedPage(ordered[start : start + limit], row)


def _key_of(view: ConversationView, field: SortField) -> bytes | int:
    read: dict[SortField, Callable[[Mail], int]] = {
        SortField.IS_UNREAD: lambda mail: mail.is_unread,
        SortField.IS_FLAGGED: lambda mail: mail.is_flagged,
    }
    if field in read:
        return max(read[field](mail) for mail in view.mails)
    if field is SortField.IMPORTANCE:
        return max(summary.importance for summary in view.summaries)
    if field is SortField.HAS_ATTACHMENTS:
        return int(any(not one.is_inline for summary in view.summaries for one in summary.attachments))
    if field is SortField.SUBJECT:
        return sort_keys(view.summaries[0]).subject
    keys = sort_keys(view.summaries[view.last])
    return keys.from_ if field is SortField.FROM else keys.to
