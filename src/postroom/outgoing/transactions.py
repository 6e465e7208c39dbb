"""Mail transactions (RFC 5321 §3.3) in a session: MAIL, RCPT, DATA, and what becomes of each recipient.

Where the server has PIPELINING (RFC 2920), MAIL, all RCPT and DATA go in one write, which leaves two round trips for
a message. A server may then ask for a message (354) though it has refused all recipients: it gets an empty one.

Recipients that the server has no room for in this transaction (452) follow in another one, as long as each takes
some.

What is uncertain is decided so that no mail is lost: a connection that breaks off before the final dot has brought
nothing over, and another server may be tried at once; one that breaks off between the final dot and the reply may
have, and the recipients wait for the next attempt. The attempt's witness is told before the final dot, and of those
who have got the message before it is handed over for others.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from postroom.errors import PostroomError
from postroom.model.outgoing import FAILED, WAITING, Outcome, OutgoingRecipient
from postroom.outgoing.attempt import Attempt
from postroom.outgoing.commands import is_sendable, render_mail, render_rcpt
from postroom.outgoing.replies import SERVICE_CLOSING, Reply
from postroom.outgoing.sessions import Session
from postroom.outgoing.wire import LostError

_SMALL_BYTES: Final = 65_536
"""What is no longer than this goes in one write, together with the final dot."""


class StaleError(Exception):
    """A connection that was kept had ended before anything happened: a new one may do better."""


class _Opened(NamedTuple):
    """What the server said before any content."""

    accepted: list[OutgoingRecipient]
    later: list[OutgoingRecipient]
    """No room for them in this transaction."""
    data: Reply | None
    """The reply to DATA, if it was sent."""


async def hand_over(session: Session, attempt: Attempt) -> None:
    """Offer the message for all recipients that are pending.

    Raises: :class:`UnusableError`, :class:`StaleError` where the server is of no use for those left pending.
    """
    _refuse_bad_addresses(session, attempt)
    _check_abilities(session, attempt)
    pending = attempt.pending
    while pending:
        await attempt.tell()
        try:
            pending = await _Transaction(session, attempt, pending).run()
        except LostError as error:
            raise session.unusable(str(error), "4.4.2") from error
        if pending and not session.is_usable:
            raise StaleError


def _refuse_bad_addresses(session: Session, attempt: Attempt) -> None:
    outbound = attempt.message.outbound
    for recipient in attempt.pending:
        if not is_sendable(recipient.address, with_smtputf8=outbound.needs_smtputf8):
            answer = "the address cannot be sent by SMTP"
            attempt.put(Outcome(recipient.number, FAILED, status="5.1.3", answer=answer, remote=""))
    if outbound.sender and not is_sendable(outbound.sender, with_smtputf8=outbound.needs_smtputf8):
        raise session.unusable("the sender's address cannot be sent by SMTP", "5.1.7")


def _check_abilities(session: Session, attempt: Attempt) -> None:
    """Raise UnusableError for a server that says beforehand that it cannot take the message."""
    outbound = attempt.message.outbound
    if outbound.needs_smtputf8 and not session.offers("SMTPUTF8"):
        answer = f"{session.remote} does not take internationalised mail (SMTPUTF8)"
        addresses = [outbound.sender, *(recipient.address for recipient in attempt.pending)]
        raise session.unusable(answer, "5.6.9" if all(map(str.isascii, addresses)) else "5.6.7")
    if outbound.is_8bit and not session.offers("8BITMIME"):
        raise session.unusable(f"{session.remote} does not take 8-bit mail (8BITMIME)", "5.6.3")
    limit = session.extensions.get("SIZE", "")
    size = len(attempt.message.content)
    if limit.isascii() and limit.isdigit() and 0 < int(limit[:20]) < size:
        answer = f"the message has {size} bytes, and {session.remote} takes at most {limit[:20]}"
        raise session.unusable(answer, "5.3.4")


class _Transaction:
    """One transaction."""

    def __init__(self, session: Session, attempt: Attempt, recipients: Sequence[OutgoingRecipient]) -> None:
        self._session = session
        self._attempt = attempt
        self._recipients = recipients
        self._has_answered = False

    async def run(self) -> list[OutgoingRecipient]:
        """Carry it out; return the recipients that need another one.

        Raises: UnusableError, StaleError, LostError.
        """
        session = self._session
        is_reused = session.mails > 0
        session.mails += 1
        try:
            if session.is_dirty:
                await self._reset()
            opened = await (self._open_pipelined() if session.offers("PIPELINING") else self._open_stepwise())
        except LostError:
            if is_reused and not self._has_answered:
                raise StaleError from None
            raise
        if not opened.accepted:
            session.is_dirty = True
            if opened.data is not None and opened.data.code == 354:
                session.wire.write(b".\r\n")
                await self._read(session.policy.limits.data_seconds)
        elif opened.data is not None and opened.data.code == 354:
            await self._send_content(opened.accepted)
        elif opened.data is not None:
            session.is_dirty = True
            if opened.data.code < 400:
                # A 2xx here is no word of the message: nothing of it has been sent.
                raise self._odd(opened.data)
            self._settle(opened.accepted, opened.data)
        return opened.later

    async def _reset(self) -> None:
        reply = await self._session.command("RSET")
        if not reply.is_positive:
            raise StaleError
        self._session.is_dirty = False

    async def _read(self, seconds: float = 0) -> Reply:
        """Return the next reply. Raises: UnusableError where the server goes, LostError."""
        session = self._session
        reply = await session.wire.read_reply(seconds or session.policy.limits.reply_seconds)
        if reply.code == SERVICE_CLOSING:
            session.wire.close()
            if session.mails > 1 and not self._has_answered:
                raise StaleError
            raise session.unusable(reply)
        self._has_answered = True
        return reply

    async def _open_pipelined(self) -> _Opened:
        session = self._session
        commands = [render_mail(session, self._attempt.message.outbound, len(self._attempt.message.content))]
        commands += [render_rcpt(session, recipient) for recipient in self._recipients]
        session.wire.write(b"".join([*commands, b"DATA\r\n"]))
        mail = await self._read()
        replies = [await self._read() for _ in self._recipients]
        # What is settled by now stays so, even if the connection ends before the reply to DATA.
        opened = self._sort(replies) if self._is_begun(mail) else _Opened([], [], None)
        return opened._replace(data=await self._read())

    async def _open_stepwise(self) -> _Opened:
        session = self._session
        message = self._attempt.message
        session.wire.write(render_mail(session, message.outbound, len(message.content)))
        if not self._is_begun(await self._read()):
            return _Opened([], [], None)
        replies = []
        for recipient in self._recipients:
            session.wire.write(render_rcpt(session, recipient))
            replies.append(await self._read())
        opened = self._sort(replies)
        if not opened.accepted:
            return opened
        session.wire.write(b"DATA\r\n")
        return opened._replace(data=await self._read())

    def _is_begun(self, mail: Reply) -> bool:
        """Tell whether MAIL was accepted; settle all recipients if not."""
        self._refuse_odd(mail)
        if not mail.is_positive:
            self._settle(self._recipients, mail)
        return mail.is_positive

    def _sort(self, replies: Sequence[Reply]) -> _Opened:
        """Sort recipients by the replies to RCPT; settle those that were refused."""
        pairs = list(zip(self._recipients, replies, strict=True))
        accepted = [recipient for recipient, reply in pairs if reply.is_positive]
        later = []
        remote = self._session.remote
        for recipient, reply in pairs:
            self._refuse_odd(reply)
            if reply.is_positive:
                continue
            if _means_too_many(reply) and accepted:
                later.append(recipient)
            elif _means_too_many(reply):
                self._attempt.put(
                    Outcome(recipient.number, WAITING, status="4.5.3", answer=str(reply), remote=remote)
                )
            else:
                self._settle([recipient], reply)
        return _Opened(accepted, later, None)

    def _refuse_odd(self, reply: Reply) -> None:
        """Raise LostError for a reply that has no place here: who answers which command is unclear from then on."""
        if 300 <= reply.code < 400:
            raise self._odd(reply)

    def _odd(self, reply: Reply) -> LostError:
        return self._session.wire.fail(f"an unexpected reply: {reply}")

    async def _send_content(self, accepted: Sequence[OutgoingRecipient]) -> None:
        session = self._session
        limits = session.policy.limits
        content = stuff_dots(self._attempt.message.content)
        if len(content) > _SMALL_BYTES:
            if not await self._write_slowly(content, accepted):
                return
            content = b""
        try:
            await self._attempt.before_end(accepted)
        except PostroomError as error:
            # What has to be written down first cannot be.
            raise session.wire.fail(f"given up before the message was ended: {error}") from error
        session.wire.write(content + b".\r\n")
        try:
            reply = await session.wire.read_reply(limits.data_seconds)
            self._refuse_odd(reply)
        except LostError as error:
            answer = f"{error}, after the message was sent: it may have been taken"
            self._attempt.settle_unseen(accepted, answer, remote=session.remote)
            return
        self._settle(accepted, reply)
        if reply.code == SERVICE_CLOSING:
            session.wire.close()

    async def _write_slowly(self, content: bytes, accepted: Sequence[OutgoingRecipient]) -> bool:
        """Send a large content without the final dot; False where the server has refused it on the way."""
        session = self._session
        try:
            await session.wire.write_slowly(content, session.policy.limits.slice_seconds)
        except LostError:
            # The server may have said why before it went, and then has not taken the message.
            reply = await self._read()
            if not reply.is_positive:
                self._settle(accepted, reply)
                return False
            raise
        return True

    def _settle(self, recipients: Sequence[OutgoingRecipient], reply: Reply) -> None:
        session = self._session
        self._attempt.settle(recipients, reply, remote=session.remote, passes_dsn=session.offers("DSN"))


def _means_too_many(reply: Reply) -> bool:
    """Tell whether a reply to RCPT says that the transaction has too many recipients (RFC 5321 §4.5.3.1.10)."""
    if reply.code == 452:
        return not reply.has_status or reply.status in {"4.5.3", "4.3.1"}
    return reply.code == 552 and (not reply.has_status or reply.status == "5.5.3")


def stuff_dots(content: bytes) -> bytes:
    """Return a content with the dots at the beginning of lines doubled (RFC 5321 §4.5.2)."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
