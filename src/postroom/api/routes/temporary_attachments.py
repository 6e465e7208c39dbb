"""Temporary attachments: files that a session uploads, or takes from a mail, to attach them to what it writes."""

import msgspec
from litestar import HttpMethod, delete, post, route

from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import Stream, operation
from postroom.api.references import find_mail
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.mails import AttachmentList
from postroom.api.schemas.temporary_attachments import (
    MailToStore,
    TemporaryAttachmentList,
    render_stored,
    render_uploaded,
)
from postroom.api.stream import Content, StreamReply, from_span, render_media_type
from postroom.api.uploads import read_files
from postroom.domain.temporary_attachments import OpenUpload

_BASE = "/api/v1/temporaryAttachments"
_ONE = _BASE + "/{temporary_attachment_id:str}"
_TAG = "temporary attachments"

_mail_to_store = msgspec.json.Decoder(MailToStore)


@post(
    _BASE,
    **operation(
        "uploadTemporaryAttachments",
        "Upload files",
        tag=_TAG,
        returns=TemporaryAttachmentList,
        takes_files=True,
        errors=("sessionRequired", "payloadTooLarge"),
    ),
)
async def upload(request: Call) -> Reply:
    """Upload one or more files, all or none, to be attached to what this session writes."""
    staging = await read_files(request)
    kept = await request.domain.temporary_attachments.keep(request.caller, staging)
    return json_reply(render_uploaded(kept))


@post(
    _BASE + "/store",
    **operation(
        "storeTemporaryAttachments",
        "Take the attachments of a mail",
        tag=_TAG,
        body=MailToStore,
        returns=AttachmentList,
        errors=("sessionRequired", "payloadTooLarge", "notFound"),
    ),
)
async def store(request: Call) -> Reply:
    """Make copies of a mail's attachments temporary ones, inline ones with their content ids; the mail stays."""
    body = await request.parse_body(_mail_to_store)
    ref = await find_mail(request, body.mail_id, "mailId")
    kept = await request.domain.temporary_attachments.store(request.caller, ref)
    return json_reply(render_stored(body.mail_id, kept))


@route(
    _ONE,
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    **operation(
        "getTemporaryAttachment",
        "Get a temporary attachment",
        tag=_TAG,
        returns=Stream(("*/*",), "The content, with its own type."),
        errors=("sessionRequired",),
    ),
)
async def get_temporary_attachment(request: Call) -> StreamReply:
    """Get the content of a file of this session, to be shown in place."""
    number = request.parse_index("temporary_attachment_id", "temporaryAttachmentId")
    opened = await request.domain.temporary_attachments.open(request.caller, number)
    return StreamReply(_make_content(opened))


def _make_content(opened: OpenUpload) -> Content:
    found = opened.attachment
    return Content(
        render_media_type(found.content_type),
        make_etag("temporary attachment", found.blob_name),
        from_span(opened.iter_span),
        found.size_bytes,
        "inline",
        found.name,
        opened.close,
    )


@delete(
    _ONE,
    status_code=200,
    **operation(
        "deleteTemporaryAttachment",
        "Remove a temporary attachment",
        tag=_TAG,
        returns=None,
        errors=("sessionRequired",),
    ),
)
async def delete_temporary_attachment(request: Call) -> Reply:
    """Remove a file of this session."""
    number = request.parse_index("temporary_attachment_id", "temporaryAttachmentId")
    await request.domain.temporary_attachments.delete(request.caller, number)
    return Reply()


ROUTES = [upload, store, get_temporary_attachment, delete_temporary_attachment]
