"""Sending: at once, at a time, and taking it back."""

import msgspec
from litestar import delete, post
from msgspec import UNSET

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.idempotency import HEADER, parse_key
from postroom.api.operation import operation
from postroom.api.references import find_letter, find_mail
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.sending import (
    WRITING_ERRORS,
    DraftToSchedule,
    MailId,
    MailToSchedule,
    MailToSend,
    SendToUndo,
    SentMail,
    read_receipts,
)
from postroom.domain.sending import Sent
from postroom.model.ids import AccountId
from postroom.model.mail import Mail
from postroom.model.outgoing import ProcessingId

_to_send = msgspec.json.Decoder(MailToSend)
_to_schedule = msgspec.json.Decoder(MailToSchedule)
_draft_to_schedule = msgspec.json.Decoder(DraftToSchedule)
_to_undo = msgspec.json.Decoder(SendToUndo)


def _find_key(request: Call) -> str:
    """Return the key of a call, from which the Message-ID is made; "" if it has none."""
    given = request.exchange.headers.get(HEADER)
    return "" if given is None else parse_key(given)


def _render(owner: AccountId, mail: Mail) -> str:
    return ids.render_mail(owner, mail.folder_id, mail.uid)


def _reply_sent(owner: AccountId, sent: Sent) -> Reply:
    mail_id = UNSET if sent.copy is None else _render(owner, sent.copy)
    return json_reply(SentMail(sent.processing_id, mail_id))


def _reply_mail(owner: AccountId, mail: Mail) -> Reply:
    return json_reply(MailId(_render(owner, mail)))


@post(
    "/api/v1/mails/send",
    status_code=200,
    **operation(
        "sendMail", "Send a mail", tag="sending", returns=SentMail, body=MailToSend, errors=WRITING_ERRORS
    ),
)
async def send_mail(request: Call) -> Reply:
    """Send a mail. It leaves when the time for undo is over; until then ``processingId`` takes it back.

    With an ``Idempotency-Key`` it is sent once, and its Message-ID is made from the key.
    """
    body = await request.parse_body(_to_send)
    sent = await request.domain.sending.send(
        request.caller,
        await find_letter(request, body),
        receipts=read_receipts(body),
        key=_find_key(request),
    )
    return _reply_sent(request.caller.account_id, sent)


@post(
    "/api/v1/drafts/{mail_id:str}/send",
    status_code=200,
    **operation(
        "sendDraft", "Send a draft", tag="sending", returns=SentMail, errors=("conflict", *WRITING_ERRORS)
    ),
)
async def send_draft(request: Call) -> Reply:
    """Send a draft, which is gone then. Receipts are asked for as the account has set."""
    ref = request.parse_mail_ref()
    sent = await request.domain.sending.send_draft(request.caller, ref, key=_find_key(request))
    return _reply_sent(ref.owner, sent)


@post(
    "/api/v1/mails/send/undo",
    status_code=200,
    **operation(
        "undoSend",
        "Take back a mail that was sent",
        tag="sending",
        returns=MailId,
        body=SendToUndo,
        errors=("conflict", "notFound"),
    ),
)
async def undo_send(request: Call) -> Reply:
    """Take back a mail that was sent a moment ago. Its copy becomes a draft; where there is none, one is made.

    ``mailId`` is the copy, as sending has told it. A draft that is made anew has no Bcc. When the time for undo is
    over, or when somebody else has taken the mail back, it is ``conflict``.
    """
    body = await request.parse_body(_to_undo)
    ref = None if body.mail_id is UNSET else await find_mail(request, body.mail_id, "mailId")
    number = ProcessingId(body.processing_id)
    draft = await request.domain.unsending.undo(request.caller, number, ref)
    return _reply_mail(request.caller.account_id, draft)


@post(
    "/api/v1/mails/send/schedule",
    status_code=200,
    **operation(
        "scheduleMail",
        "Send a mail at a time",
        tag="sending",
        returns=MailId,
        body=MailToSchedule,
        errors=WRITING_ERRORS,
    ),
)
async def schedule_mail(request: Call) -> Reply:
    """Have a mail sent at a time. It lies in Scheduled until then; whoever moves or deletes it there stops it."""
    body = await request.parse_body(_to_schedule)
    mail = await request.domain.sending.schedule(
        request.caller,
        await find_letter(request, body),
        at=body.delivery_time,
        receipts=read_receipts(body),
        key=_find_key(request),
    )
    return _reply_mail(request.caller.account_id, mail)


@post(
    "/api/v1/drafts/{mail_id:str}/send/schedule",
    status_code=200,
    **operation(
        "scheduleDraft",
        "Send a draft at a time",
        tag="sending",
        returns=MailId,
        body=DraftToSchedule,
        errors=("conflict", *WRITING_ERRORS),
    ),
)
async def schedule_draft(request: Call) -> Reply:
    """Have a draft sent at a time; it is in Scheduled then, under a new id."""
    ref = request.parse_mail_ref()
    body = await request.parse_body(_draft_to_schedule)
    mail = await request.domain.sending.schedule_draft(
        request.caller, ref, at=body.delivery_time, key=_find_key(request)
    )
    return _reply_mail(ref.owner, mail)


@delete(
    "/api/v1/mails/send/schedule/{mail_id:str}",
    status_code=200,
    **operation(
        "cancelSchedule",
        "Do not send a scheduled mail",
        tag="sending",
        returns=MailId,
        errors=("conflict",),
    ),
)
async def cancel_schedule(request: Call) -> Reply:
    """Take a mail out of Scheduled before it is sent; it is a draft then."""
    ref = request.parse_mail_ref()
    return _reply_mail(ref.owner, await request.domain.unsending.cancel(request.caller, ref))


ROUTES = [send_mail, send_draft, undo_send, schedule_mail, schedule_draft, cancel_schedule]
