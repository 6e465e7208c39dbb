"""The content of a mail: body, parts, source."""

from collections.abc import Callable
from typing import Literal

import msgspec
from litestar import HttpMethod, get, post, route
from litestar.types import ASGIApp
from msgspec import UNSET

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import Stream, operation
from postroom.api.query import Query, missing
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.mails import read_summary
from postroom.api.schemas.messages import (
    Body,
    BodyQuery,
    BodyType,
    Part,
    PartDataList,
    PartsBody,
    PartsQuery,
    iter_parts,
    render_body,
    render_part,
    render_part_data,
)
from postroom.api.stream import (
    SAFE_HTML_POLICY,
    Content,
    StreamReply,
    closed_on_error,
    from_iterator,
    from_span,
    render_media_type,
)
from postroom.domain.messages import Body as FoundBody
from postroom.domain.messages import OpenMessage
from postroom.model.account import READ
from postroom.model.ids import MailRef
from postroom.model.mail import Part as StoredPart
from postroom.model.settings import AccountSettings

_MAX_BODY_CHARS = 2 * 1024 * 1024
"""Longer HTML is cut at a tag boundary; the whole is at body/full."""
_MAX_CONVERTED_BYTES = 1024 * 1024
"""Text longer than this is sent in its own charset rather than held in memory to be converted."""
_DOWNLOAD = [HttpMethod.GET, HttpMethod.HEAD]

_body_query = Query(BodyQuery)
_parts_query = Query(PartsQuery)
_parts_body = msgspec.json.Decoder(PartsBody)


@get(
    "/api/v1/mails/{mail_id:str}/body",
    **operation("getBody", "Get the body", tag="content", returns=Body, query=BodyQuery, has_etag=True),
)
async def get_body(request: Call) -> Reply:
    """Get the best body part for the asked type, made safe to show; HTML over 2 MiB is cut at a tag boundary."""
    ref, query = request.parse_mail_ref(), request.parse_query(_body_query)
    settings = await _find_settings(request, query.show_external_images)
    async with request.domain.messages.opened(request.caller, ref) as message:
        etag = make_etag("body", ref, message.sha256, query.type, *_facts(settings))
        if unchanged := request.find_not_modified(etag):
            return unchanged
        body = await _find_body(
            request, message, ref, kind=query.type, settings=settings, max_chars=_MAX_BODY_CHARS
        )
    return json_reply(render_body(body), etag=etag)


@route(
    "/api/v1/mails/{mail_id:str}/body/full",
    http_method=_DOWNLOAD,
    **operation(
        "downloadBody",
        "Download the body",
        tag="content",
        query=BodyQuery,
        returns=Stream(("text/html", "text/plain"), "The whole body, made safe to show, in UTF-8."),
    ),
)
async def download_body(request: Call) -> ASGIApp:
    """Get the whole body, however long, with its own type."""
    ref, query = request.parse_mail_ref(), request.parse_query(_body_query)
    settings = await _find_settings(request, query.show_external_images)
    async with request.domain.messages.opened(request.caller, ref) as message:
        etag = make_etag("body/full", ref, message.sha256, query.type, *_facts(settings))
        if unchanged := request.find_not_modified(etag):
            return unchanged
        body = await _find_body(request, message, ref, kind=query.type, settings=settings, max_chars=None)
    media_type = render_media_type(body.content_type, "utf-8")
    content = Content(media_type, etag, body.data, len(body.data), policy=SAFE_HTML_POLICY)
    return StreamReply(content)


async def _find_settings(request: Call, show_external_images: bool | None) -> AccountSettings:
    """Return the caller's settings, with what the call itself says."""
    return (await request.domain.settings.find(request.caller)).showing(show_external_images)


def _facts(settings: AccountSettings) -> tuple[int, bool]:
    """Return what of the settings HTML depends on."""
    return settings.body_html_filtering_level, settings.shows_external_images()


async def _find_body(
    request: Call,
    message: OpenMessage,
    ref: MailRef,
    *,
    kind: BodyType,
    settings: AccountSettings,
    max_chars: int | None,
) -> FoundBody:
    return await request.domain.messages.body(
        message,
        kind=kind,
        settings=settings,
        attachment_url=_attachment_urls(ref),
        max_chars=max_chars,
    )


def _attachment_urls(ref: MailRef) -> Callable[[int], str]:
    """Return the function from an attachment's id to its URL, for images that HTML refers to by cid."""
    base = f"/api/v1/mails/{ids.render_mail(*ref)}/attachments/"
    return lambda attachment_id: f"{base}{attachment_id}"


@get(
    "/api/v1/mails/{mail_id:str}/parts",
    **operation("getParts", "Get the part tree", tag="content", returns=Part, has_etag=True),
)
async def get_parts(request: Call) -> Reply:
    """Get the MIME structure: the root part, with all parts below it."""
    ref = request.parse_mail_ref()
    async with request.domain.messages.opened(request.caller, ref) as message:
        etag = make_etag("parts", ref, message.sha256)
        if unchanged := request.find_not_modified(etag):
            return unchanged
        names = {one.part_id: one.name for one in read_summary(message.mail).attachments}
        headers = {part.id: await message.part_headers(part) for part in iter_parts(message.root)}
        return json_reply(render_part(message.root, headers, names), etag=etag)


async def _answer_part_data(request: Call) -> Reply:
    ref, query = request.parse_mail_ref(), await _read_parts_query(request)
    if not query.part_ids:
        raise missing("partIds")
    settings = await _find_settings(request, query.show_external_images)
    mail = await request.domain.mails.get(request.caller, ref)
    etag = make_etag("parts/details", ref, mail.content_id, query, *_facts(settings))
    if request.scope["method"] == "GET" and (unchanged := request.find_not_modified(etag)):
        return unchanged
    found = await request.domain.messages.part_data(
        request.caller,
        ref,
        query.part_ids,
        convert_to=query.convert_to,
        settings=settings,
        attachment_url=_attachment_urls(ref),
    )
    return json_reply(PartDataList([render_part_data(one) for one in found]), etag=etag)


async def _read_parts_query(request: Call) -> PartsQuery:
    """Return what is asked for: the members of the body, and from the query what the body does not say."""
    query, body = request.parse_query(_parts_query), await request.parse_body(_parts_body)
    given = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    return msgspec.structs.replace(query, **given)


@get(
    "/api/v1/mails/{mail_id:str}/parts/details",
    **operation(
        "getPartData",
        "Get decoded parts",
        tag="content",
        returns=PartDataList,
        query=PartsQuery,
        body=PartsBody,
        has_etag=True,
    ),
)
async def get_part_data(request: Call) -> Reply:
    """Get the decoded bodies of parts. They are named in the query or, as published, in a JSON body."""
    return await _answer_part_data(request)


@post(
    "/api/v1/mails/{mail_id:str}/parts/details",
    **operation(
        "queryPartData",
        "Get decoded parts",
        scope=READ,
        tag="content",
        unremembered="it changes nothing",
        returns=PartDataList,
        query=PartsQuery,
        body=PartsBody,
        has_etag=True,
    ),
)
async def query_part_data(request: Call) -> Reply:
    """The same for programs that cannot send a body with GET; nothing is changed."""
    return await _answer_part_data(request)


@route(
    "/api/v1/mails/{mail_id:str}/parts/{part_id:str}/details/full",
    http_method=_DOWNLOAD,
    **operation(
        "downloadPart",
        "Download a part",
        tag="content",
        returns=Stream(("*/*",), "The decoded body of the part, with its own type."),
    ),
)
async def download_part(request: Call) -> StreamReply:
    """Get the whole decoded body of one part, with its own type and charset."""
    ref, part_id = request.parse_mail_ref(), request.parse_index("part_id", "partId")
    message = await request.domain.messages.open(request.caller, ref)
    with closed_on_error(message):
        return StreamReply(await _make_part_content(message, message.get_part(part_id)))


async def _make_part_content(message: OpenMessage, part: StoredPart) -> Content:
    """Return the content of a part: short text in UTF-8, as the part's data shows it, all else as it is."""
    etag = make_etag("part", message.sha256, part.id)
    if part.content_type.startswith("text/") and part.end - part.body_start <= _MAX_CONVERTED_BYTES:
        data = (await message.text(part)).encode("utf-8", "replace")
        media_type = render_media_type(part.content_type, "utf-8")
        return Content(media_type, etag, data, len(data), close=message.close)
    media_type = render_media_type(part.content_type, part.charset)
    return Content(media_type, etag, from_iterator(lambda: message.iter_part(part)), close=message.close)


def _reply_source(message: OpenMessage, media_type: str, *, name: str = "") -> StreamReply:
    disposition: Literal["attachment"] | None = "attachment" if name else None
    etag = make_etag("source", message.sha256, media_type)
    read = from_span(message.iter_raw) if message.raw is None else message.raw
    content = Content(media_type, etag, read, message.size, disposition, name, close=message.close)
    return StreamReply(content)


@route(
    "/api/v1/mails/{mail_id:str}/source",
    http_method=_DOWNLOAD,
    **operation(
        "getSource", "Get the raw message", tag="content", returns=Stream(("text/plain",), "The raw message.")
    ),
)
async def get_source(request: Call) -> StreamReply:
    """Get the message byte for byte, to be shown as text."""
    message = await request.domain.messages.open(request.caller, request.parse_mail_ref())
    return _reply_source(message, "text/plain")


@route(
    "/api/v1/mails/{mail_id:str}/source/download",
    http_method=_DOWNLOAD,
    **operation(
        "downloadSource",
        "Download the raw message",
        tag="content",
        returns=Stream(("message/rfc822",), "The raw message, as a file named after the subject."),
    ),
)
async def download_source(request: Call) -> StreamReply:
    """Get the message byte for byte, as a file named after its subject."""
    message = await request.domain.messages.open(request.caller, request.parse_mail_ref())
    with closed_on_error(message):
        subject = read_summary(message.mail).subject.strip()
        return _reply_source(message, "message/rfc822", name=f"{subject or 'message'}.eml")


@route(
    ["/api/v1/mails/{mail_id:str}/source/headers", "/api/v1/mails/{mail_id:str}/headers"],
    http_method=_DOWNLOAD,
    **operation(
        "getHeaders",
        "Get the raw headers",
        tag="content",
        returns=Stream(("text/plain",), "The raw header block."),
    ),
)
async def get_headers(request: Call) -> StreamReply:
    """Get the header block byte for byte, with the blank line that ends it."""
    async with request.domain.messages.opened(request.caller, request.parse_mail_ref()) as message:
        block, etag = await message.header_block(), make_etag("headers", message.sha256)
    return StreamReply(Content("text/plain", etag, block, len(block)))


ROUTES = [
    get_body,
    download_body,
    get_parts,
    get_part_data,
    query_part_data,
    download_part,
    get_source,
    download_source,
    get_headers,
]
