"""Conversations: list, get, what joined their mails."""

import msgspec
from litestar import get

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.conversation_path import parse_conversation_ref
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.references import find_mail, find_references
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.conversations import (
    Conversation,
    ConversationList,
    ConversationListQuery,
    ConversationMails,
    ConversationMailsQuery,
    WhyJoined,
    render_conversation,
    render_mails,
    render_page,
    render_why,
)
from postroom.api.schemas.folders import SyncToken
from postroom.domain.conversation_views import Viewer
from postroom.domain.conversations import ConversationListRequest, MailsRequest
from postroom.model.conversation import Conversation as StoredConversation
from postroom.model.conversation import ConversationRef
from postroom.model.ids import AccountId, FolderRef
from postroom.model.listing import Sort, SortField

_list_query = Query(ConversationListQuery)
_mails_query = Query(ConversationMailsQuery)


@get(
    "/api/v1/conversations",
    **operation(
        "listConversations",
        "List conversations",
        tag="conversations",
        returns=(ConversationList, SyncToken),
        query=ConversationListQuery,
        has_etag=True,
        errors=("notPermitted",),
    ),
)
async def list_conversations(request: Call) -> Reply:
    """List a part of the conversations that have a mail in a folder, by any sort order.

    ``date`` and ``snippet`` are those of the last mail in that folder, all else is of all mails of the conversation.
    """
    query = request.parse_query(_list_query)
    ref = ids.parse_folder(query.folder_id, "folderId")
    conversations, caller = request.domain.conversations, request.caller
    page_size = await conversations.page_size(caller)
    if query.sync_token_only:
        return await _reply_token(request, ref)
    wanted = _read_wanted(query, page_size)
    viewer = await conversations.find_viewer(caller, ref.folder)
    if unchanged := await _find_unchanged(request, ref, wanted, viewer=viewer):
        return unchanged
    page = await conversations.list(caller, ref, wanted, viewer=viewer, render=render_conversation)
    token = request.domain.tokens.conversations_token(page.folder, reader=request.caller.account_id)
    etag = _make_list_etag(token, viewer, sort=page.sort, wanted=wanted)
    return json_reply(render_page(page, sync_token=token), etag=etag)


async def _find_unchanged(
    request: Call, ref: FolderRef, wanted: ConversationListRequest, *, viewer: Viewer
) -> Reply | None:
    """Return the 304 if the client's page is the one it would get; costs one look-up and no page."""
    if b"if-none-match" not in request.exchange.headers:
        return None
    folder = await request.domain.conversations.folder_state(request.caller, ref)
    token = request.domain.tokens.conversations_token(folder, reader=request.caller.account_id)
    sort = await request.domain.conversations.sort_for(request.caller, wanted)
    return request.find_not_modified(_make_list_etag(token, viewer, sort=sort, wanted=wanted))


def _read_wanted(query: ConversationListQuery, page_size: int) -> ConversationListRequest:
    active = query.active_conversation_id
    return ConversationListRequest(
        field=None if query.sort is None else SortField(query.sort),
        descending=None if query.dir is None else query.dir == "DESC",
        start=query.start,
        limit=page_size if query.limit is None else query.limit,
        active=None if active is None else ids.parse_conversation(active, "activeConversationId"),
    )


def _make_list_etag(token: str, viewer: Viewer, *, sort: Sort, wanted: ConversationListRequest) -> bytes:
    """Return the tag of a page: of all that it is made from, defaults filled in."""
    active = None if wanted.active is None else tuple(wanted.active)
    order = (sort.field.value, sort.descending)
    return make_etag("conversations", token, sorted(viewer.own), order, wanted.start, wanted.limit, active)


async def _reply_token(request: Call, ref: FolderRef) -> Reply:
    folder = await request.domain.conversations.folder_state(request.caller, ref)
    token = request.domain.tokens.conversations_token(folder, reader=request.caller.account_id)
    etag = make_etag("conversations token", token)
    return request.find_not_modified(etag) or json_reply(SyncToken(token), etag=etag)


@get(
    "/api/v1/conversations/{conversation_id:str}",
    **operation(
        "getConversation",
        "Get the mails of a conversation",
        tag="conversations",
        returns=(ConversationMails, SyncToken),
        query=ConversationMailsQuery,
        has_etag=True,
    ),
)
async def get_conversation(request: Call) -> Reply:
    """Get mails of a conversation, oldest first: a page, or those that ``mailIds`` names."""
    ref = parse_conversation_ref(request)
    query = request.parse_query(_mails_query)
    state = await request.domain.conversations.state(request.caller, ref)
    token = request.domain.tokens.conversation_token(ref, state.modseq, reader=request.caller.account_id)
    if query.sync_token_only:
        etag = make_etag("conversation token", token)
        return request.find_not_modified(etag) or json_reply(SyncToken(token), etag=etag)
    wanted = await _read_mails_wanted(request, query)
    if unchanged := request.find_not_modified(_make_mails_etag(token, wanted)):
        return unchanged
    return await _reply_mails(request, ref, wanted)


async def _reply_mails(request: Call, ref: ConversationRef, wanted: MailsRequest) -> Reply:
    found = await request.domain.conversations.mails(request.caller, ref, wanted)
    token = request.domain.tokens.conversation_token(
        ref, found.conversation.modseq, reader=request.caller.account_id
    )
    references = await find_references(request, ref.owner, found.mails)
    shown = render_mails(ref.owner, found, references, sync_token=token)
    return json_reply(shown, etag=_make_mails_etag(token, wanted))


async def _read_mails_wanted(request: Call, query: ConversationMailsQuery) -> MailsRequest:
    limit = await request.domain.settings.page_size(request.caller, query.limit)
    if query.mail_ids is None:
        return MailsRequest(query.start, limit)
    named = [await find_mail(request, text, "mailIds") for text in query.mail_ids]
    return MailsRequest(query.start, limit, named)


def _make_mails_etag(token: str, wanted: MailsRequest) -> bytes:
    named = None if wanted.named is None else [tuple(one) for one in wanted.named]
    return make_etag("conversation", token, wanted.start, wanted.limit, named)


@get(
    "/api/v1/conversations/{conversation_id:str}/why",
    **operation(
        "explainConversation",
        "Get what joined the mails of a conversation",
        tag="conversations",
        returns=WhyJoined,
    ),
)
async def explain_conversation(request: Call) -> Reply:
    """Get the rule that joined each mail to its conversation, and what it has in common with another of it."""
    ref = parse_conversation_ref(request)
    reasons = await request.domain.conversations.why(request.caller, ref)
    return json_reply(render_why(ref.owner, reasons))


@get(
    "/api/v1/mails/{mail_id:str}/conversation",
    **operation(
        "getMailConversation",
        "Get the conversation of a mail",
        tag="conversations",
        returns=Conversation,
        has_etag=True,
    ),
)
async def get_mail_conversation(request: Call) -> Reply:
    """Get the conversation that a mail belongs to; one in Spam or Trash belongs to none.

    ``date`` and ``snippet`` are those of the last mail in the folder of this one.
    """
    mail = request.parse_mail_ref()
    conversations, caller = request.domain.conversations, request.caller
    state = await conversations.of_mail(caller, mail)
    viewer = await conversations.find_viewer(caller, mail.folder)
    etag = _make_view_etag(mail.owner, viewer, state)
    if unchanged := request.find_not_modified(etag):
        return unchanged
    ref = ConversationRef(mail.owner, state.conversation_id)
    shown = await conversations.show(caller, ref, render_conversation, folder_id=mail.folder)
    return json_reply(msgspec.Raw(shown), etag=etag)


def _make_view_etag(owner: AccountId, viewer: Viewer, state: StoredConversation) -> bytes:
    return make_etag(
        "conversation view", owner, state.conversation_id, state.modseq, viewer.folder_id, sorted(viewer.own)
    )


ROUTES = [list_conversations, get_conversation, explain_conversation, get_mail_conversation]
