"""Writing mails: saved as drafts, saved anew, inserted elsewhere."""

import msgspec
from litestar import post, put
from msgspec import UNSET

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.operation import operation
from postroom.api.references import find_letter, show_mail, show_named
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.mails import Mail
from postroom.api.schemas.sending import WRITING_ERRORS, DraftFields, NewMail

_new_mail = msgspec.json.Decoder(NewMail)
_draft = msgspec.json.Decoder(DraftFields)


@post(
    "/api/v1/mails",
    status_code=200,
    **operation(
        "createMail", "Save a mail", tag="sending", returns=Mail, body=NewMail, errors=WRITING_ERRORS
    ),
)
async def create_mail(request: Call) -> Reply:
    """Save a mail: in Drafts, where it is a draft, or as it is in another folder."""
    body = await request.parse_body(_new_mail)
    folder = None if body.folder_id is UNSET else ids.parse_folder(body.folder_id, "folderId")
    mail = await request.domain.drafts.create(
        request.caller,
        await find_letter(request, body),
        folder=folder,
        is_unread=body.is_unread,
        is_flagged=body.is_flagged,
    )
    return json_reply(
        await show_mail(request, request.caller.account_id if folder is None else folder.owner, mail)
    )


@put(
    "/api/v1/drafts/{mail_id:str}",
    **operation(
        "replaceDraft",
        "Save a draft anew",
        tag="sending",
        returns=Mail,
        body=DraftFields,
        errors=WRITING_ERRORS,
    ),
)
async def replace_draft(request: Call) -> Reply:
    """Save a draft anew, as a whole: what is not given is not in it any more. Its id stays."""
    ref = request.parse_mail_ref()
    body = await request.parse_body(_draft)
    mail = await request.domain.drafts.replace(
        request.caller,
        ref,
        await find_letter(request, body),
        is_unread=body.is_unread,
        is_flagged=body.is_flagged,
    )
    return json_reply(await show_named(request, ref.owner, mail))


ROUTES = [create_mail, replace_draft]
