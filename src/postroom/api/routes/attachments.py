"""Attachments: list, content, archive, thumbnail, and mails that are attached."""

from functools import partial
from typing import Literal

from litestar import HttpMethod, get, route
from litestar.types import ASGIApp

from postroom.api.archive import Entry, iter_archive, measure_archive, number_names
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.disposition import clean_name
from postroom.api.operation import Stream, operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.attachments import ThumbnailQuery, render_inner_mail
from postroom.api.schemas.mails import AttachmentList, Mail, read_summary, render_attachments
from postroom.api.stream import (
    Content,
    StreamReply,
    closed_on_error,
    from_iterator,
    render_media_type,
)
from postroom.domain.attachments import OpenAttachment
from postroom.domain.messages import OpenMessage
from postroom.domain.thumbnails import Thumbnail
from postroom.model.mail import Attachment

_BASE = "/api/v1/mails/{mail_id:str}/attachments"
_ONE = _BASE + "/{attachment_id:str}"
_DOWNLOAD = [HttpMethod.GET, HttpMethod.HEAD]
_CONTENT = Stream(("*/*",), "The content, with its own type.")

_thumbnail_query = Query(ThumbnailQuery)


@get(
    _BASE,
    **operation(
        "listAttachments", "List the attachments", tag="attachments", returns=AttachmentList, has_etag=True
    ),
)
async def list_attachments(request: Call) -> Reply:
    """List the attachments in MIME order; what is inside an attached message belongs to that message."""
    ref = request.parse_mail_ref()
    mail = await request.domain.mails.get(request.caller, ref)
    etag = make_etag("attachments", ref, mail.content_id)
    if unchanged := request.find_not_modified(etag):
        return unchanged
    mail_id = request.scope["path_params"]["mail_id"]
    return json_reply(AttachmentList(render_attachments(mail_id, read_summary(mail).attachments)), etag=etag)


@route(
    _BASE + "/download",
    http_method=_DOWNLOAD,
    **operation(
        "downloadAttachments",
        "Download all attachments",
        tag="attachments",
        returns=Stream(("application/zip",), "A zip archive of the attachments that are not inline."),
    ),
)
async def download_attachments(request: Call) -> StreamReply:
    """Get the attachments that are not inline in a zip archive; equal names get a number."""
    message = await request.domain.messages.open(request.caller, request.parse_mail_ref())
    with closed_on_error(message):
        summary, mail_date = read_summary(message.mail), message.mail.date if message.mail is not None else 0
        entries = _make_entries(message, summary.attachments)
    content = Content(
        "application/zip",
        make_etag("zip", message.sha256, mail_date),
        from_iterator(lambda: iter_archive(entries, date=mail_date)),
        measure_archive(entries),
        "attachment",
        "attachments.zip",
        message.close,
    )
    return StreamReply(content)


def _make_entries(message: OpenMessage, attachments: tuple[Attachment, ...]) -> list[Entry]:
    kept = [one for one in attachments if not one.is_inline]
    names = number_names([clean_name(one.name, "attachment") for one in kept])
    return [
        Entry(name, one.size, partial(message.iter_part, message.get_part(one.part_id)))
        for name, one in zip(names, kept, strict=True)
    ]


def _reply_content(
    opened: OpenAttachment, disposition: Literal["inline", "attachment"], *, etag: bytes
) -> StreamReply:
    attachment, message, part = opened.attachment, opened.message, opened.part
    content = Content(
        render_media_type(attachment.content_type, part.charset),
        etag,
        from_iterator(lambda: message.iter_part(part)),
        attachment.size,
        disposition,
        attachment.name,
        message.close,
    )
    return StreamReply(content)


async def _reply_attachment(request: Call, disposition: Literal["inline", "attachment"]) -> StreamReply:
    ref = request.parse_mail_ref()
    index = request.parse_index("attachment_id", "attachmentId")
    opened = await request.domain.attachments.open(request.caller, ref, index)
    etag = make_etag("attachment", opened.message.sha256, index, disposition)
    return _reply_content(opened, disposition, etag=etag)


@route(
    _ONE,
    http_method=_DOWNLOAD,
    **operation("getAttachment", "Get an attachment", tag="attachments", returns=_CONTENT),
)
async def get_attachment(request: Call) -> StreamReply:
    """Get the decoded content, to be shown in place."""
    return await _reply_attachment(request, "inline")


@route(
    _ONE + "/download",
    http_method=_DOWNLOAD,
    **operation("downloadAttachment", "Download an attachment", tag="attachments", returns=_CONTENT),
)
async def download_attachment(request: Call) -> StreamReply:
    """Get the decoded content, to be saved as a file."""
    return await _reply_attachment(request, "attachment")


@route(
    _ONE + "/thumbnail",
    http_method=_DOWNLOAD,
    **operation(
        "getThumbnail",
        "Get a thumbnail",
        tag="attachments",
        query=ThumbnailQuery,
        returns=Stream(("image/*", "application/octet-stream"), "A small image; empty for what is no image."),
        errors=("payloadTooLarge",),
    ),
)
async def get_thumbnail(request: Call) -> ASGIApp:
    """Get an image scaled down so that it just covers width × height, never larger than 1024 in either direction."""
    ref, query = request.parse_mail_ref(), request.parse_query(_thumbnail_query)
    index = request.parse_index("attachment_id", "attachmentId")
    mail = await request.domain.mails.get(request.caller, ref)
    etag = make_etag("thumbnail", ref, mail.content_id, index, query)
    if unchanged := request.find_not_modified(etag):
        return unchanged
    image = await request.domain.attachments.thumbnail(
        request.caller, ref, index, width=query.width, height=query.height
    )
    return StreamReply(_make_image_content(image, etag))


def _make_image_content(image: Thumbnail | None, etag: bytes) -> Content:
    if image is None:
        return Content("application/octet-stream", etag, b"", 0)
    media_type = render_media_type(image.content_type)
    return Content(media_type, etag, image.data, len(image.data), "inline", "thumbnail")


@get(
    _ONE + "/eml",
    **operation("getAttachedMail", "Get an attached mail", tag="attachments", returns=Mail, has_etag=True),
)
async def get_attached_mail(request: Call) -> Reply:
    """Get an attached message/rfc822 as a mail, with the attachments of its own."""
    ref = request.parse_mail_ref()
    index = request.parse_index("attachment_id", "attachmentId")
    mail = await request.domain.mails.get(request.caller, ref)
    etag = make_etag("eml", ref, mail.content_id, index)
    if unchanged := request.find_not_modified(etag):
        return unchanged
    inner = await request.domain.attachments.inner_mail(request.caller, ref, index)
    return json_reply(render_inner_mail(ref, inner), etag=etag)


@route(
    _ONE + "/eml/attachments/{inner_attachment_id:str}",
    http_method=_DOWNLOAD,
    **operation(
        "getAttachedMailAttachment",
        "Get an attachment of an attached mail",
        tag="attachments",
        returns=_CONTENT,
    ),
)
async def get_attached_mail_attachment(request: Call) -> StreamReply:
    """Get the decoded content of an attachment of an attached message."""
    ref = request.parse_mail_ref()
    index = request.parse_index("attachment_id", "attachmentId")
    inner = request.parse_index("inner_attachment_id", "innerAttachmentId")
    mail = await request.domain.mails.get(request.caller, ref)
    etag = make_etag("inner attachment", ref, mail.content_id, index, inner)
    opened = await request.domain.attachments.open_inner(request.caller, ref, index, inner_id=inner)
    return _reply_content(opened, "inline", etag=etag)


ROUTES = [
    list_attachments,
    download_attachments,
    get_attachment,
    download_attachment,
    get_thumbnail,
    get_attached_mail,
    get_attached_mail_attachment,
]
