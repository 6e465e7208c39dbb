"""Mails: list, get, flags."""

import msgspec
from litestar import get, patch

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.references import find_references, show_named
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.flags import read_flags
from postroom.api.schemas.folders import SyncToken
from postroom.api.schemas.mails import Mail, MailFlags, MailList, MailListQuery, render_page
from postroom.model.account import Caller
from postroom.model.ids import FolderRef
from postroom.model.listing import MailListRequest, Sort
from postroom.model.mail import Mail as StoredMail

_list_query = Query(MailListQuery)
_flags = msgspec.json.Decoder(MailFlags)


@get(
    "/api/v1/mails",
    **operation(
        "listMails",
        "List mails",
        tag="mails",
        returns=(MailList, SyncToken),
        query=MailListQuery,
        has_etag=True,
    ),
)
async def list_mails(request: Call) -> Reply:
    """List a part of a folder's mails, by any sort order; ``syncTokenOnly`` answers with the token alone.

    The folder may be a search folder: what was found is listed as it is now, and each mail says where it is.
    """
    query = request.parse_query(_list_query)
    ref = ids.parse_folder(query.folder_id, "folderId")
    wanted = await _read_wanted(request, query)
    if query.sync_token_only:
        return await _reply_token(request, ref)
    if b"if-none-match" in request.exchange.headers and (
        unchanged := await _find_unchanged(request, ref, wanted)
    ):
        return unchanged
    page = await request.domain.mails.list(request.caller, ref, wanted)
    token = request.domain.tokens.folder_token(page.folder, request.caller.account_id)
    etag = _make_list_etag(token, sort=page.sort, wanted=wanted)
    references = await find_references(request, ref.owner, page.mails)
    return json_reply(render_page(ref.owner, page, references, sync_token=token), etag=etag)


async def _read_wanted(request: Call, query: MailListQuery) -> MailListRequest:
    """Return the page that is asked for, as long as the account has them if the query does not say."""
    active = None if query.active_mail_id is None else ids.parse_mail(query.active_mail_id, "activeMailId")
    limit = query.limit
    if limit is None and not query.sync_token_only:
        limit = await request.domain.settings.page_size(request.caller, None)
    is_descending = None if query.dir is None else query.dir == "DESC"
    return MailListRequest(query.sort, is_descending, query.start, limit, active)


async def _reply_token(request: Call, ref: FolderRef) -> Reply:
    folder = await request.domain.mails.folder_state(request.caller, ref)
    token = request.domain.tokens.folder_token(folder, request.caller.account_id)
    etag = make_etag("mails token", token)
    return request.find_not_modified(etag) or json_reply(SyncToken(token), etag=etag)


async def _find_unchanged(request: Call, ref: FolderRef, wanted: MailListRequest) -> Reply | None:
    """Return the 304 if the client's page is the one it would get; costs one look-up and no page."""
    folder = await request.domain.mails.folder_state(request.caller, ref)
    token = request.domain.tokens.folder_token(folder, request.caller.account_id)
    sort = await request.domain.mails.sort_for(request.caller, ref, wanted)
    return request.find_not_modified(_make_list_etag(token, sort=sort, wanted=wanted))


def _make_list_etag(token: str, *, sort: Sort, wanted: MailListRequest) -> bytes:
    """Return the tag of a page: of all that it is made from, defaults filled in."""
    active = None if wanted.active is None else tuple(wanted.active)
    return make_etag("mails", token, sort.field.value, sort.descending, wanted.start, wanted.limit, active)


@get(
    "/api/v1/mails/{mail_id:str}",
    **operation("getMail", "Get a mail", tag="mails", returns=Mail, has_etag=True),
)
async def get_mail(request: Call) -> Reply:
    """Get one mail as a list shows it."""
    ref = request.parse_mail_ref()
    mail = await request.domain.mails.get(request.caller, ref)
    etag = _make_mail_etag(request.caller, mail)
    return request.find_not_modified(etag) or json_reply(
        await show_named(request, ref.owner, mail), etag=etag
    )


@patch(
    "/api/v1/mails/{mail_id:str}",
    **operation("setMailFlags", "Set flags", tag="mails", returns=Mail, body=MailFlags, has_etag=True),
)
async def set_mail_flags(request: Call) -> Reply:
    """Set ``isUnread``, ``isFlagged`` or both; the answer is the mail as it is now."""
    ref = request.parse_mail_ref()
    flags = read_flags(await request.parse_body(_flags))
    mail = await request.domain.mail_changes.set_flags(
        request.caller, ref, is_unread=flags.is_unread, is_flagged=flags.is_flagged
    )
    shown = await show_named(request, ref.owner, mail)
    return json_reply(shown, etag=_make_mail_etag(request.caller, mail))


def _make_mail_etag(caller: Caller, mail: StoredMail) -> bytes:
    return make_etag("mail", caller.account_id, mail.folder_id, mail.uid, mail.modseq, mail.content_id)


ROUTES = [list_mails, get_mail, set_mail_flags]
