"""One LMTP session: commands in, replies out (RFC 2033, 5321, with 1870, 2034, 2920, 3030, 6152, 6531).

The session is one coroutine that reads as the protocol does: greet, take a command, answer it, until the end. It
suspends only for input that is not there yet and for the domain (resolving a recipient, delivering a message), so
that a pipelined group of commands is worked off in one go.

Invariants:
- Every command gets one reply, in order, except that the end of data gets one per accepted recipient, in the order
  of the RCPT commands (RFC 2033 §4.2), also after ``BDAT … LAST`` (§4.3).
- 250 for a recipient is sent only after the domain has said that the message is durable.
- What was not sent to its end is not delivered. What was is delivered even if the client has gone meanwhile.
- Data that cannot be taken is still read to its end, so that no byte of it is ever taken for a command.
"""

import asyncio
import itertools
import mmap
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from postroom.delivery import replies
from postroom.delivery.commands import (
    BAD_CHUNK_SIZE,
    NOT_LMTP,
    Bdat,
    Command,
    Lhlo,
    Mail,
    Rcpt,
    Simple,
    parse_command,
)
from postroom.delivery.limits import LMTPLimits
from postroom.delivery.ports import Clock, Ingest
from postroom.delivery.receive import receive_dotted, receive_octets
from postroom.delivery.replies import Reply, internal_error, render_lhlo_reply, render_reply, reply_for
from postroom.delivery.spool import MessageSpool, too_large
from postroom.delivery.stats import DELIVERED, LMTPStats
from postroom.delivery.trace import Trace, render_trace
from postroom.delivery.transaction import Transaction
from postroom.delivery.wire import End, InputEndedError, LineTooLongError, Wire
from postroom.errors import Kind, PostroomError

_log: Final = structlog.get_logger(__name__)

_COMMANDS_BEFORE_YIELD: Final = 200
"""After so many commands of one pipelined group, other connections get their turn."""

_SENDER_OK: Final = render_reply(replies.SENDER_OK)
_RECIPIENT_OK: Final = render_reply(replies.RECIPIENT_OK)
_START_DATA: Final = render_reply(replies.START_DATA)
_SIMPLE: Final = {
    "NOOP": render_reply(replies.OK),
    "VRFY": render_reply(replies.CANNOT_VERIFY),
    "HELP": render_reply(replies.HELP),
}


@dataclass(frozen=True, slots=True)
class LMTPSettings:
    """What all sessions of one server share."""

    ingest: Ingest
    limits: LMTPLimits
    hostname: str
    """Name of this server in the greeting and in Received."""
    spool_directory: Path
    clock: Clock
    stats: LMTPStats


class _SessionEndedError(Exception):
    """The way out of the command loop: ends the session with ``reply``."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class LMTPSession:
    """One connection's session; :meth:`run` is the whole of it."""

    def __init__(self, wire: Wire, settings: LMTPSettings) -> None:
        self._wire = wire
        self._settings = settings
        self._limits = settings.limits
        self._stats = settings.stats
        self._helo = ""
        self._transaction: Transaction | None = None
        self._mail_refused = False
        self._errors = 0
        self._stopping = False

    async def run(self) -> None:
        """Speak LMTP until QUIT, the end of the connection, or a reason to end it with 421. Never raises."""
        wire = self._wire
        try:
            wire.send(f"220 {self._settings.hostname} LMTP Postroom ready\r\n".encode("ascii"))
            await self._take_commands()
        except _SessionEndedError as end:
            if end.reply is not replies.GOODBYE:
                _log.info("lmtp_session_ended", client=wire.client, reply=end.reply.text)
            wire.send(render_reply(end.reply))
        except InputEndedError as end:
            self._say_why(end.reason)
        except Exception:  # noqa: BLE001 - a fault of ours ends this session, not the server
            self._stats.faults += 1
            _log.exception("lmtp_session_failed", client=wire.client)
            wire.send(render_reply(Reply(421, "4.3.0", "Internal error; try again later")))
        finally:
            self._end_transaction()
        await wire.finish(self._limits.linger_seconds)

    def stop(self) -> None:
        """End the session with 421: at once if no transaction is open, else when it is over."""
        self._stopping = True
        if self._transaction is None:
            self._wire.stop()

    async def _take_commands(self) -> None:
        wire, limits = self._wire, self._limits
        for number in itertools.count(1):
            if number % _COMMANDS_BEFORE_YIELD == 0:
                await asyncio.sleep(0)
            wire.deadline.set(limits.command_timeout_seconds)
            await wire.drain()
            if self._stopping and self._transaction is None:
                raise _SessionEndedError(replies.SHUTTING_DOWN)
            try:
                line = await wire.read_line(limits.max_command_bytes)
            except LineTooLongError:
                self._refuse(PostroomError(Kind.INVALID, "badCommandLine", "Command line is too long"))
                continue
            try:
                await self._obey(parse_command(line))
            except PostroomError as error:
                self._mail_refused = self._mail_refused or line[:4].upper() == b"MAIL"
                self._refuse(error)

    async def _obey(self, command: Command) -> None:
        match command:
            case Rcpt():
                await self._rcpt(command)
            case Mail():
                self._mail(command)
            case Bdat():
                await self._bdat(command)
            case Lhlo():
                self._lhlo(command)
            case Simple("DATA"):
                await self._data()
            case Simple("RSET"):
                self._end_transaction()
                self._wire.send(render_reply(replies.OK))
            case Simple("QUIT"):
                raise _SessionEndedError(replies.GOODBYE)
            case Simple(verb):
                self._wire.send(_SIMPLE[verb])

    def _refuse(self, error: PostroomError) -> None:
        """Answer a wrong command; too many of them, or one that leaves the stream undefined, end the session."""
        if error.code == NOT_LMTP:
            raise _SessionEndedError(replies.NOT_LMTP)
        self._wire.send(render_reply(reply_for(error)))
        if error.code == BAD_CHUNK_SIZE:
            raise _SessionEndedError(replies.LOST_SYNCHRONISATION)
        if error.code == "noValidRecipients" or (error.code == "noTransaction" and self._mail_refused):
            # A client that has pipelined these behind a refused MAIL or RCPT has made no error (RFC 2920 §3.1).
            return
        self._errors += 1
        if self._errors >= self._limits.max_errors:
            raise _SessionEndedError(replies.TOO_MANY_ERRORS)

    def _say_why(self, reason: End) -> None:
        if reason is End.TIMED_OUT:
            self._stats.timeouts += 1
            _log.info("lmtp_session_timed_out", client=self._wire.client)
            self._wire.send(render_reply(replies.TIMED_OUT))
        elif reason is End.STOPPED:
            self._wire.send(render_reply(replies.SHUTTING_DOWN))

    # LHLO, MAIL, RCPT.

    def _lhlo(self, command: Lhlo) -> None:
        self._end_transaction()
        self._helo = command.domain
        settings = self._settings
        self._wire.send(
            render_lhlo_reply(settings.hostname, max_message_bytes=self._limits.max_message_bytes)
        )

    def _mail(self, command: Mail) -> None:
        if not self._helo:
            raise _out_of_place("Send LHLO first")
        if self._transaction is not None:
            raise _out_of_place("A transaction is open already")
        if command.size_bytes is not None and command.size_bytes > self._limits.max_message_bytes:
            raise too_large(self._limits.max_message_bytes)
        self._mail_refused = False
        self._transaction = Transaction(
            command.sender, command.size_bytes, command.smtputf8, command.body_8bit
        )
        self._wire.send(_SENDER_OK)

    async def _rcpt(self, command: Rcpt) -> None:
        transaction = self._transaction
        if transaction is None:
            raise _no_transaction()
        if transaction.chunks is not None:
            raise _out_of_place("The message has begun already")
        if not (transaction.smtputf8 or command.address.isascii()):
            raise PostroomError(
                Kind.INVALID, "addressNeedsSMTPUTF8", "An address beyond ASCII needs SMTPUTF8"
            )
        if len(transaction.recipients) >= self._limits.max_recipients:
            self._send_refusal(PostroomError(Kind.LIMITED, "tooManyRecipients", "Too many recipients"))
            return
        try:
            recipient = await self._settings.ingest.resolve_recipient(
                command.address, size_bytes=transaction.size_bytes
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a reply and may try again
            self._send_refusal(_as_postroom_error(error, "lmtp_resolve_failed"))
            return
        transaction.recipients.append(recipient)
        self._wire.send(_RECIPIENT_OK)

    def _send_refusal(self, error: PostroomError) -> None:
        self._stats.recipients_refused[error.code] += 1
        self._wire.send(render_reply(reply_for(error)))

    # DATA, BDAT.

    async def _data(self) -> None:
        transaction = self._transaction
        if transaction is None:
            raise _no_transaction()
        if transaction.chunks is not None:
            raise _out_of_place("DATA cannot follow BDAT")
        if not transaction.recipients:
            raise PostroomError(Kind.INVALID, "noValidRecipients", "No valid recipients")
        self._wire.send(_START_DATA)
        spool = transaction.chunks = self._begin_message(transaction)
        await receive_dotted(self._wire, spool, self._limits)
        await self._deliver(transaction, spool)

    async def _bdat(self, command: Bdat) -> None:
        """Take a chunk. It is read whatever its fate; a chunk of a failed message gets that failure as its reply."""
        transaction = self._transaction
        if transaction is None or not transaction.recipients:
            await receive_octets(command.size_bytes, self._wire, None, limits=self._limits)
            if transaction is None:
                raise _no_transaction()
            raise PostroomError(Kind.INVALID, "noValidRecipients", "No valid recipients")
        if transaction.chunks is None:
            transaction.chunks = self._begin_message(transaction)
        spool = transaction.chunks
        await receive_octets(command.size_bytes, self._wire, spool, limits=self._limits)
        if command.last:
            await self._deliver(transaction, spool)
        elif spool.failure is not None:
            self._wire.send(render_reply(reply_for(spool.failure)))
        else:
            self._wire.send(render_reply(Reply(250, "2.0.0", f"{command.size_bytes} octets received")))

    def _begin_message(self, transaction: Transaction) -> MessageSpool:
        settings = self._settings
        transaction.message_id = secrets.token_hex(8)
        trace = Trace(
            sender=transaction.sender,
            helo=self._helo,
            client=self._wire.client,
            hostname=settings.hostname,
            message_id=transaction.message_id,
            smtputf8=transaction.smtputf8,
            received_at=settings.clock(),
        )
        return MessageSpool(
            render_trace(trace),
            directory=settings.spool_directory,
            memory_bytes=self._limits.spool_above_bytes,
            max_bytes=self._limits.max_message_bytes,
        )

    # The end of data.

    async def _deliver(self, transaction: Transaction, spool: MessageSpool) -> None:
        outcomes: Sequence[PostroomError | None]
        try:
            content = spool.finish()
            outcomes = await self._hand_over(transaction, content)
        except Exception as error:  # noqa: BLE001 - whatever it is, each recipient gets a reply
            outcomes = [_as_postroom_error(error, "lmtp_delivery_failed")] * len(transaction.recipients)
        _log.debug(
            "lmtp_message",
            id=transaction.message_id,
            client=self._wire.client,
            sender=transaction.sender,
            size_bytes=spool.size_bytes,
            outcomes=[DELIVERED if outcome is None else outcome.code for outcome in outcomes],
        )
        delivered = render_reply(Reply(250, "2.0.0", f"Delivered, id {transaction.message_id}"))
        for outcome in outcomes:
            self._stats.deliveries[DELIVERED if outcome is None else outcome.code] += 1
            self._wire.send(delivered if outcome is None else render_reply(reply_for(outcome)))
        self._errors = 0
        self._end_transaction()
        # Replies to delivered messages do not wait for what the client has sent meanwhile: lost, they would make it
        # send the message again.
        self._wire.flush()

    async def _hand_over(
        self, transaction: Transaction, content: bytes | mmap.mmap
    ) -> Sequence[PostroomError | None]:
        envelope = transaction.envelope(client=self._wire.client, helo=self._helo)
        self._stats.messages += 1
        self._stats.message_bytes += len(content)
        outcomes = await self._settings.ingest.deliver(envelope, content)
        if len(outcomes) != len(envelope.recipients):
            raise RuntimeError(f"{len(outcomes)} outcomes for {len(envelope.recipients)} recipients")
        return outcomes

    def _end_transaction(self) -> None:
        if self._transaction is not None:
            self._transaction.close()
            self._transaction = None


def _out_of_place(message: str) -> PostroomError:
    return PostroomError(Kind.INVALID, "badSequence", message)


def _no_transaction() -> PostroomError:
    return PostroomError(Kind.INVALID, "noTransaction", "Send MAIL first")


def _as_postroom_error(error: Exception, event: str) -> PostroomError:
    """Return ``error`` if the client may see it, else log it and return a generic one."""
    if isinstance(error, PostroomError):
        if error.private:
            _log.warning(event, code=error.code, private=error.private)
        return error
    _log.error(event, exc_info=error)
    return internal_error(repr(error))
