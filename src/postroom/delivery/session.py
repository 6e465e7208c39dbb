"""One session of a protocol that takes mail: what LMTP (RFC 2033) and message submission (RFC 6409) have alike.

The session is one coroutine that reads as the protocol does: greet, take a command, answer it, until the end. It
suspends only for input that is not there yet and for the domain (resolving a recipient, taking a message), so that a
pipelined group of commands is worked off in one go.

Invariants:
- Every command gets one reply, in order; what the end of data gets is for the protocol to say.
- Success is told only after the domain has said that the message is durable.
- What was not sent to its end is not taken. What was is taken even if the client has gone meanwhile.
- Data that cannot be taken is still read to its end, so that no byte of it is ever taken for a command.
"""

import asyncio
import itertools
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Generic

import structlog
from structlog.contextvars import bind_contextvars, unbind_contextvars

from postroom.delivery import replies
from postroom.delivery.commands import (
    BAD_CHUNK_SIZE,
    WRONG_PROTOCOL,
    Bdat,
    Command,
    Grammar,
    Hello,
    Mail,
    Rcpt,
    Simple,
    parse_command,
)
from postroom.delivery.limits import Limits
from postroom.delivery.receive import receive_dotted, receive_octets
from postroom.delivery.replies import Reply, internal_error, render_hello_reply, render_reply, reply_for
from postroom.delivery.spool import Gatherer, too_large
from postroom.delivery.stats import ListenerStats
from postroom.delivery.trace import Trace
from postroom.delivery.transaction import R, Transaction
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
}


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What all sessions of one server share."""

    limits: Limits
    hostname: str
    """Name of this server in the greeting and in Received."""
    spool_directory: Path
    clock: Callable[[], float]
    stats: ListenerStats


class SessionEndedError(Exception):
    """The way out of the command loop: ends the session with ``reply``."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class Session(ABC, Generic[R]):
    """One connection's session; :meth:`run` is the whole of it."""

    protocol: ClassVar[str]
    """What it is called in the log."""
    banner: ClassVar[str]
    """What it is called in the greeting."""
    hello: ClassVar[str]
    """The verb that clients greet with."""
    grammar: ClassVar[Grammar]

    def __init__(self, wire: Wire, settings: SessionSettings) -> None:
        self._wire = wire
        self._settings = settings
        self._limits = settings.limits
        self._stats = settings.stats
        self._helo = ""
        self._transaction: Transaction[R] | None = None
        self._mail_refused = False
        self._errors = 0
        self._stopping = False

    async def run(self) -> None:
        """Speak the protocol until QUIT, the end of the connection, or a reason to end it with 421. Never raises."""
        wire = self._wire
        try:
            await self._begin()
            wire.send(f"220 {self._settings.hostname} {self.banner} Postroom ready\r\n".encode("ascii"))
            await self._take_commands()
        except SessionEndedError as end:
            if end.reply is not replies.GOODBYE:
                _log.info(f"{self.protocol}_session_ended", client=wire.client, reply=end.reply.text)
            wire.send(render_reply(end.reply))
        except InputEndedError as end:
            self._say_why(end.reason)
        except Exception:  # noqa: BLE001 - a fault of ours ends this session, not the server
            self._stats.faults += 1
            _log.exception(f"{self.protocol}_session_failed", client=wire.client)
            wire.send(render_reply(Reply(421, "4.3.0", "Internal error; try again later")))
        finally:
            self._end_transaction()
        await wire.finish(self._limits.linger_seconds)

    def stop(self) -> None:
        """End the session with 421: at once if no transaction is open, else when it is over."""
        self._stopping = True
        if self._transaction is None:
            self._wire.stop()

    # What a protocol says for itself.

    async def _begin(self) -> None:
        """Do what comes before the greeting."""

    def _command_seconds(self) -> float:
        """Return how long the next command may take."""
        return self._limits.command_timeout_seconds

    @abstractmethod
    def _extensions(self) -> list[str]:
        """Return what is offered now, for the reply to the client's greeting."""

    @abstractmethod
    async def _obey_own(self, command: Command) -> None:
        """Answer a command that the other protocols do not have."""

    def _check_place(self, command: Command) -> None:
        """Refuse what cannot be said yet."""

    async def _check_sender(self, command: Mail) -> Mail:
        """Return the command with the sender as it goes on, or raise why it is refused."""
        return command

    def _max_recipients(self) -> int:
        """Return how many recipients a message may have."""
        return self._limits.max_recipients

    @abstractmethod
    async def _resolve(self, command: Rcpt, transaction: Transaction[R]) -> R:
        """Return a recipient, or raise why it is refused."""

    @abstractmethod
    def _gather(self, transaction: Transaction[R], trace: Trace) -> Gatherer:
        """Return what the message is read into."""

    @abstractmethod
    async def _take_message(self, transaction: Transaction[R], gathered: Gatherer) -> None:
        """Hand a complete message to the domain, and send the replies."""

    # Commands.

    async def _take_commands(self) -> None:
        wire, limits = self._wire, self._limits
        for number in itertools.count(1):
            if number % _COMMANDS_BEFORE_YIELD == 0:
                await asyncio.sleep(0)
            wire.deadline.set(self._command_seconds())
            if self._stopping and self._transaction is None:
                raise SessionEndedError(replies.SHUTTING_DOWN)
            try:
                line = await wire.read_line(limits.max_command_bytes)
            except LineTooLongError:
                self._refuse(PostroomError(Kind.INVALID, "badCommandLine", "Command line is too long"))
                continue
            try:
                await self._obey(parse_command(line, self.grammar))
            except PostroomError as error:
                self._mail_refused = self._mail_refused or line[:4].upper() == b"MAIL"
                self._refuse(error)

    async def _obey(self, command: Command) -> None:
        self._check_place(command)
        match command:
            case Rcpt():
                await self._rcpt(command)
            case Mail():
                await self._mail(command)
            case Bdat():
                await self._bdat(command)
            case Hello():
                self._hello(command)
            case Simple("DATA"):
                await self._data()
            case Simple("RSET"):
                self._end_transaction()
                self._wire.send(render_reply(replies.OK))
            case Simple("QUIT"):
                raise SessionEndedError(replies.GOODBYE)
            case Simple("HELP"):
                self._wire.send(render_reply(Reply(214, "2.0.0", " ".join(self.grammar.parsers))))
            case Simple(verb) if verb in _SIMPLE:
                self._wire.send(_SIMPLE[verb])
            case _:
                await self._obey_own(command)

    def _refuse(self, error: PostroomError) -> None:
        """Answer a wrong command; too many of them, or one that leaves the stream undefined, end the session."""
        if error.code == WRONG_PROTOCOL:
            raise SessionEndedError(replies.WRONG_PROTOCOL)
        self._wire.send(render_reply(reply_for(error)))
        if error.code == BAD_CHUNK_SIZE:
            raise SessionEndedError(replies.LOST_SYNCHRONISATION)
        if error.code == "noValidRecipients" or (error.code == "noTransaction" and self._mail_refused):
            # A client that has pipelined these behind a refused MAIL or RCPT has made no error (RFC 2920 §3.1).
            return
        self._errors += 1
        if self._errors >= self._limits.max_errors:
            raise SessionEndedError(replies.TOO_MANY_ERRORS)

    def _say_why(self, reason: End) -> None:
        if reason is End.TIMED_OUT:
            self._stats.timeouts += 1
            _log.info(f"{self.protocol}_session_timed_out", client=self._wire.client)
            self._wire.send(render_reply(replies.TIMED_OUT))
        elif reason is End.STOPPED:
            self._wire.send(render_reply(replies.SHUTTING_DOWN))

    def _hello(self, command: Hello) -> None:
        self._end_transaction()
        self._helo = command.domain or self._wire.client
        extensions = self._extensions() if command.is_extended else []
        self._wire.send(render_hello_reply(self._settings.hostname, extensions))

    async def _mail(self, command: Mail) -> None:
        if not self._helo:
            raise out_of_place(f"Send {self.hello} first")
        if self._transaction is not None:
            raise out_of_place("A transaction is open already")
        if command.size_bytes is not None and command.size_bytes > self._limits.max_message_bytes:
            raise too_large(self._limits.max_message_bytes)
        command = await self._check_sender(command)
        self._mail_refused = False
        self._transaction = Transaction(command)
        self._wire.send(_SENDER_OK)

    async def _rcpt(self, command: Rcpt) -> None:
        transaction = self._transaction
        if transaction is None:
            raise no_transaction()
        if transaction.gathered is not None:
            raise out_of_place("The message has begun already")
        if not (transaction.mail.smtputf8 or command.address.isascii()):
            raise PostroomError(
                Kind.INVALID, "addressNeedsSMTPUTF8", "An address beyond ASCII needs SMTPUTF8"
            )
        if len(transaction.recipients) >= self._max_recipients():
            self._refuse_recipient(PostroomError(Kind.LIMITED, "tooManyRecipients", "Too many recipients"))
            return
        try:
            recipient = await self._resolve(command, transaction)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a reply and may try again
            self._refuse_recipient(self._as_postroom_error(error, "resolve_failed"))
            return
        transaction.recipients.append(recipient)
        self._wire.send(_RECIPIENT_OK)

    def _refuse_recipient(self, error: PostroomError) -> None:
        self._stats.recipients_refused[error.code] += 1
        self._wire.send(render_reply(reply_for(error)))

    # DATA, BDAT.

    async def _data(self) -> None:
        transaction = self._transaction
        if transaction is None:
            raise no_transaction()
        if transaction.gathered is not None:
            raise out_of_place("DATA cannot follow BDAT")
        if not transaction.recipients:
            raise PostroomError(Kind.INVALID, "noValidRecipients", "No valid recipients")
        self._wire.send(_START_DATA)
        gathered = transaction.gathered = self._begin_message(transaction)
        await receive_dotted(self._wire, gathered, self._limits)
        await self._end_message(transaction, gathered)

    async def _bdat(self, command: Bdat) -> None:
        """Take a chunk. It is read whatever its fate; a chunk of a failed message gets that failure as its reply."""
        transaction = self._transaction
        if transaction is None or not transaction.recipients:
            await self._skip(command)
            if transaction is None:
                raise no_transaction()
            raise PostroomError(Kind.INVALID, "noValidRecipients", "No valid recipients")
        if transaction.gathered is None:
            transaction.gathered = self._begin_message(transaction)
        gathered = transaction.gathered
        await receive_octets(command.size_bytes, self._wire, gathered, limits=self._limits)
        if command.last:
            await self._end_message(transaction, gathered)
        elif gathered.failure is not None:
            self._wire.send(render_reply(reply_for(gathered.failure)))
        else:
            self._wire.send(render_reply(Reply(250, "2.0.0", f"{command.size_bytes} octets received")))

    async def _skip(self, command: Bdat) -> None:
        """Read a chunk that belongs to no message."""
        await receive_octets(command.size_bytes, self._wire, None, limits=self._limits)

    def _begin_message(self, transaction: Transaction[R]) -> Gatherer:
        transaction.message_id = secrets.token_hex(8)
        bind_contextvars(delivery=transaction.message_id)
        trace = Trace(
            sender=transaction.mail.sender,
            helo=self._helo,
            client=self._wire.client,
            hostname=self._settings.hostname,
            message_id=transaction.message_id,
            smtputf8=transaction.mail.smtputf8,
            received_at=self._settings.clock(),
        )
        return self._gather(transaction, trace)

    async def _end_message(self, transaction: Transaction[R], gathered: Gatherer) -> None:
        await self._take_message(transaction, gathered)
        self._errors = 0
        self._end_transaction()
        # Replies to messages that were taken do not wait for what the client has sent meanwhile: lost, they would
        # make it send the message again.
        self._wire.flush()

    def _end_transaction(self) -> None:
        if self._transaction is not None:
            self._transaction.close()
            self._transaction = None
            unbind_contextvars("delivery")

    def _as_postroom_error(self, error: Exception, event: str) -> PostroomError:
        """Return ``error`` if the client may see it, else log it and return a generic one."""
        event = f"{self.protocol}_{event}"
        if isinstance(error, PostroomError):
            if error.private:
                _log.warning(event, code=error.code, private=error.private)
            return error
        _log.error(event, exc_info=error)
        return internal_error(repr(error))


def out_of_place(message: str) -> PostroomError:
    """Return the error for a command that cannot come here."""
    return PostroomError(Kind.INVALID, "badSequence", message)


def no_transaction() -> PostroomError:
    """Return the error for a command that needs MAIL before it."""
    return PostroomError(Kind.INVALID, "noTransaction", "Send MAIL first")
