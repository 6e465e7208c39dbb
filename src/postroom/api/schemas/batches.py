"""Shapes of batches, of undo and of history."""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.paging import Limit, Start
from postroom.api.schemas.fields import DateText, FolderText, LabelText, Number, Shape, or_none
from postroom.domain.batches import Range, Selection
from postroom.domain.conversation_batches import SORT_FIELDS, ConversationRange, ConversationSelection
from postroom.domain.jobs import CONVERSATION, JobState
from postroom.domain.operations import Shown
from postroom.domain.undo import Failed
from postroom.errors import bad_parameter
from postroom.model.conversation import ConversationId
from postroom.model.ids import AccountId, FolderId, Uid
from postroom.model.listing import Sort, SortField

MAX_IDS = 100_000
MAX_RANGES = 1000

Ids = Annotated[list[str], Meta(max_length=MAX_IDS, description="Ids of mails.", examples=[["ODBfMl8xMzU0"]])]


class RangeBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Rows of a list."""

    start: Annotated[str, Meta(description="Id of the first mail.", examples=["ODBfMl8xMzU0"])]
    limit: Annotated[int, Meta(ge=1, le=2**53, description="How many rows.", examples=[50])]


class SortBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The order that ranges count in."""

    field: SortField
    direction: Literal["ASC", "DESC"]


class BatchBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The mails to be done: ``ids``, or ``ranges`` with ``sortInfo``."""

    ids: Ids | UnsetType = UNSET
    ranges: Annotated[list[RangeBody], Meta(max_length=MAX_RANGES)] | UnsetType = UNSET
    sort_info: SortBody | UnsetType = UNSET
    folder_id: FolderText | UnsetType = UNSET


class MoveBatch(BatchBody, frozen=True, kw_only=True):
    """Mails, and where they go."""

    destination_folder_id: FolderText


class CopyBatch(BatchBody, frozen=True, kw_only=True):
    """Mails, and where copies go: by default where each mail is."""

    destination_folder_id: FolderText | UnsetType = UNSET


class UpdateBatch(BatchBody, frozen=True, kw_only=True):
    """Mails, and the flags to set."""

    is_unread: bool | UnsetType = UNSET
    is_flagged: bool | UnsetType = UNSET


class LabelBatch(BatchBody, frozen=True, kw_only=True):
    """Mails, and a label."""

    label_id: LabelText


class ConversationBatch(BatchBody, frozen=True):
    """The conversations to be done: ``ids``, or ``ranges`` with ``sortInfo`` in the list of ``folderId``."""


class MoveConversations(ConversationBatch, frozen=True, kw_only=True):
    """Conversations, and where they go."""

    destination_folder_id: FolderText


class UpdateConversations(ConversationBatch, frozen=True, kw_only=True):
    """Conversations, and the flags to set."""

    is_unread: bool | UnsetType = UNSET
    is_flagged: bool | UnsetType = UNSET


class LabelConversations(ConversationBatch, frozen=True, kw_only=True):
    """Conversations, and a label."""

    label_id: LabelText


class BatchDetails(Shape, frozen=True):
    """What could not be done."""

    failed_items: list[str]


class BatchResult(Shape, frozen=True, omit_defaults=True):
    """How far a batch is."""

    batch_operation_details: BatchDetails
    failed_items: list[str]
    status: Literal["completed", "inProgress"]
    progress: Annotated[int, Meta(ge=0, le=100, description="Percent.")]
    job_key: str | UnsetType = UNSET


class OperationListQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which operations are asked for."""

    kind: Annotated[str, Meta(description="Only of this kind.", examples=["mails.move"])] = ""
    folder_id: FolderText | None = None
    start: Start = 0
    limit: Limit | None = None


class ShownOperation(Shape, frozen=True):
    """Something that was done."""

    id: Annotated[str, Meta(pattern="^[1-9][0-9]{0,18}$", examples=["1354"])]
    date: DateText
    kind: str
    summary: str
    mail_count: Number
    reversible: bool
    undone: bool
    session_is_mine: bool


class OperationList(Shape, frozen=True):
    """What was done, newest first."""

    total_items: Number
    items: list[ShownOperation]


def read_conversations(body: ConversationBatch) -> ConversationSelection:
    """Return the conversations that a body names. Raises: badParameter."""
    named = _read_named(body)
    if body.ranges is UNSET:
        return ConversationSelection([ids.parse_conversation(text, "ids") for text in named.ids])
    if body.folder_id is UNSET:
        raise bad_parameter("folderId", "folderId is missing: ranges count in the list of a folder")
    if named.sort.field not in SORT_FIELDS:
        raise bad_parameter("sortInfo", "sortInfo names a field that conversations do not sort by")
    ranges = [
        ConversationRange(ids.parse_conversation(one.start, "ranges"), one.limit) for one in named.ranges
    ]
    folder = ids.parse_folder(body.folder_id, "folderId")
    return ConversationSelection(ranges=ranges, sort=named.sort, folder=folder)


def read_selection(body: BatchBody) -> Selection:
    """Return the mails that a body names. Raises: badParameter."""
    named = _read_named(body)
    return Selection(
        [ids.parse_mail(text, "ids") for text in named.ids],
        [Range(ids.parse_mail(one.start, "ranges"), one.limit) for one in named.ranges],
        named.sort,
    )


class _Named(NamedTuple):
    """What a body names: by ids, or by ranges in an order."""

    ids: list[str]
    ranges: list[RangeBody]
    sort: Sort


def _read_named(body: BatchBody) -> _Named:
    if (body.ids is UNSET) == (body.ranges is UNSET):
        raise bad_parameter("ids", "one of ids and ranges must be given, and not both")
    if body.ranges is UNSET:
        return _Named(or_none(body.ids) or [], [], Sort())
    if body.sort_info is UNSET:
        raise bad_parameter("sortInfo", "sortInfo is missing: ranges count in an order")
    return _Named([], body.ranges, Sort(body.sort_info.field, body.sort_info.direction == "DESC"))


def render_failed(account_id: AccountId, failed: list[Failed]) -> list[str]:
    """Return the ids of the mails, folders and conversations that could not be done."""
    return [_render_one(AccountId(one.owner or account_id), one) for one in failed]


def _render_one(owner: AccountId, failed: Failed) -> str:
    if failed.folder_id == CONVERSATION:
        return ids.render_conversation(owner, ConversationId(failed.uid))
    folder_id = FolderId(failed.folder_id)
    if failed.uid == 0:
        return ids.render_folder(owner, folder_id)
    return ids.render_mail(owner, folder_id, Uid(failed.uid))


def render_job(state: JobState, *, with_key: bool) -> BatchResult:
    """Return how far a job is."""
    failed = render_failed(state.account_id, state.failed)
    return BatchResult(
        BatchDetails(failed),
        failed,
        "completed" if state.is_done else "inProgress",
        state.progress,
        state.job_key if with_key else UNSET,
    )


def render_operation(shown: Shown) -> ShownOperation:
    """Return an operation as clients see it."""
    return ShownOperation(
        str(shown.operation_id),
        str(shown.done_at // 1000),
        shown.kind,
        shown.summary,
        shown.mail_count,
        shown.is_reversible,
        shown.is_undone,
        shown.is_mine,
    )
