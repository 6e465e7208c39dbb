"""Submission sessions (RFC 6409, with 1870, 2034, 2920, 3030, 3207, 3461, 4954, 6152, 6531, 8314).

Beside what :mod:`.session` promises:
- Before TLS nothing is offered or done but STARTTLS; before a login nothing but AUTH.
- What came in clear counts for nothing under TLS (RFC 3207 §4.2): the greeting is forgotten, and a client that has
  sent more behind STARTTLS, or somebody in its place, is cut off.
- The end of data gets one reply; 250 means that the message is in the outgoing queue, durably, for all recipients.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from postroom.delivery import replies
from postroom.delivery.certificate import Certificate
from postroom.delivery.commands import Auth, Bdat, Command, Hello, Mail, Rcpt, Simple
from postroom.delivery.limits import SubmissionLimits
from postroom.delivery.ports import Submission
from postroom.delivery.replies import Reply, render_reply, reply_for
from postroom.delivery.sasl import MECHANISMS, Credentials, SaslExchange
from postroom.delivery.session import Session, SessionEndedError, SessionSettings, out_of_place
from postroom.delivery.spool import Gatherer
from postroom.delivery.stats import ACCEPTED, SubmissionStats
from postroom.delivery.submission_commands import SUBMISSION
from postroom.delivery.submitted_spool import SpoolBounds, SubmittedSpool
from postroom.delivery.trace import Trace
from postroom.delivery.transaction import Transaction
from postroom.delivery.wire import EarlyInputError, End, InputEndedError, LineTooLongError, Wire
from postroom.errors import Kind, PostroomError
from postroom.model.account import Caller
from postroom.model.submission import Submitted, SubmittedRecipient

_log: Final = structlog.get_logger(__name__)

_ALWAYS: Final = frozenset({"NOOP", "QUIT", "RSET", "HELP", "STARTTLS"})


@dataclass(frozen=True, slots=True)
class SubmissionSettings(SessionSettings):
    """What all submission sessions of one server share."""

    limits: SubmissionLimits
    stats: SubmissionStats
    submission: Submission
    certificate: Certificate


class SubmissionSession(Session[SubmittedRecipient]):
    """One connection's session."""

    protocol = "submission"
    banner = "ESMTP"
    hello = "EHLO"
    grammar = SUBMISSION

    def __init__(self, wire: Wire, settings: SubmissionSettings, *, implicit_tls: bool) -> None:
        """``implicit_tls``: TLS comes before anything else (RFC 8314 §3.3)."""
        super().__init__(wire, settings)
        self._own = settings.limits
        self._counts = settings.stats
        self._submission = settings.submission
        self._certificate = settings.certificate
        self._implicit_tls = implicit_tls
        self._caller: Caller | None = None
        self._failed_logins = 0
        self._login_until = asyncio.get_running_loop().time() + settings.limits.login_timeout_seconds

    async def _begin(self) -> None:
        if self._implicit_tls:
            await self._start_tls(b"")

    def _command_seconds(self) -> float:
        limit = self._limits.command_timeout_seconds
        if self._caller is not None:
            return limit
        return min(limit, max(self._login_until - asyncio.get_running_loop().time(), 0))

    def _extensions(self) -> list[str]:
        return [
            "PIPELINING",
            f"SIZE {self._limits.max_message_bytes}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "CHUNKING",
            "DSN",
            f"AUTH {' '.join(MECHANISMS)}" if self._wire.is_encrypted else "STARTTLS",
        ]

    def _check_place(self, command: Command) -> None:
        """Refuse what cannot be said yet: before TLS (RFC 3207 §4), before a login (RFC 4954 §6)."""
        if self._caller is not None or isinstance(command, Hello):
            return
        if isinstance(command, Simple) and command.verb in _ALWAYS:
            return
        if isinstance(command, Bdat):
            # Its chunk follows, unasked for, and nobody unknown makes this server read for long.
            raise SessionEndedError(replies.LOST_SYNCHRONISATION)
        if isinstance(command, Auth):
            if not self._wire.is_encrypted:
                raise PostroomError(
                    Kind.DENIED, "tlsRequiredForLogin", "A login needs TLS: send STARTTLS first"
                )
        elif not self._wire.is_encrypted:
            raise PostroomError(Kind.DENIED, "tlsRequired", "Send STARTTLS first")
        else:
            raise PostroomError(Kind.DENIED, "loginRequired", "Log in first")

    async def _obey_own(self, command: Command) -> None:
        match command:
            case Auth():
                await self._auth(command)
            case Simple("STARTTLS"):
                await self._obey_starttls()
            case _:
                raise AssertionError(f"submission has no {command!r}")

    # STARTTLS.

    async def _obey_starttls(self) -> None:
        if self._wire.is_encrypted:
            raise out_of_place("TLS has begun already")
        self._end_transaction()
        self._helo = ""
        self._mail_refused = False
        await self._start_tls(render_reply(replies.START_TLS))

    async def _start_tls(self, announcement: bytes) -> None:
        self._wire.deadline.set(self._command_seconds())
        try:
            await self._wire.start_tls(self._certificate.context(), announcement=announcement)
        except EarlyInputError:
            raise SessionEndedError(replies.COMMANDS_BEFORE_TLS) from None
        except InputEndedError as end:
            self._counts.handshakes_failed += end.reason is End.CLOSED
            raise

    # AUTH.

    async def _auth(self, command: Auth) -> None:
        if self._caller is not None:
            raise out_of_place("Logged in already")
        if not self._helo:
            raise out_of_place("Send EHLO first")
        credentials = await self._read_credentials(command)
        try:
            self._caller = await self._submission.login(
                credentials.name, credentials.password, client=self._wire.client_ip
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a reply and may try again
            self._refuse_login(self._as_postroom_error(error, "login_failed"))
            return
        self._counts.logins[ACCEPTED] += 1
        self._errors = 0
        self._wire.send(render_reply(replies.LOGGED_IN))

    async def _read_credentials(self, command: Auth) -> Credentials:
        """Return what the client says in the exchange. Raises what is wrong with it."""
        exchange = SaslExchange(command.mechanism)
        answer = command.initial
        while True:
            challenge = exchange.step(answer)
            if challenge is None:
                return exchange.credentials()
            self._wire.send(f"334 {challenge}\r\n".encode("ascii"))
            self._wire.deadline.set(self._command_seconds())
            try:
                line = await self._wire.read_line(self._own.max_login_line_bytes)
            except LineTooLongError:
                raise PostroomError(Kind.INVALID, "badCommandLine", "Line is too long") from None
            answer = line.decode("ascii", "replace")

    def _refuse_login(self, error: PostroomError) -> None:
        self._counts.logins[error.code] += 1
        # Neither name nor password belongs into the log: a password is often typed in the place of the name.
        _log.info("submission_login_refused", client=self._wire.client, code=error.code)
        reply = reply_for(error)
        if error.code == "notAuthenticated":
            reply = reply._replace(text="Authentication failed")
        elif error.kind is Kind.UNAVAILABLE:
            reply = Reply(454, "4.7.0", error.message)
        self._wire.send(render_reply(reply))
        self._failed_logins += 1
        if self._failed_logins >= self._own.max_failed_logins:
            raise SessionEndedError(replies.TOO_MANY_FAILED_LOGINS)

    # MAIL, RCPT.

    async def _check_sender(self, command: Mail) -> Mail:
        caller = self._known_caller()
        try:
            if not await self._submission.is_current(caller):
                raise SessionEndedError(replies.LOGIN_NO_LONGER_VALID)
            sender = await self._submission.check_sender(caller, command.sender)
        except PostroomError as error:
            self._counts.senders_refused[error.code] += 1
            raise
        return command._replace(sender=sender)

    def _max_recipients(self) -> int:
        return self._submission.max_recipients(self._known_caller())

    async def _resolve(
        self, command: Rcpt, transaction: Transaction[SubmittedRecipient]
    ) -> SubmittedRecipient:
        address, destination = await self._submission.route(command.address)
        return SubmittedRecipient(address, destination, command.notify, command.orcpt)

    def _known_caller(self) -> Caller:
        if self._caller is None:
            raise AssertionError("nobody gets here without a login")
        return self._caller

    # The message.

    def _gather(self, transaction: Transaction[SubmittedRecipient], trace: Trace) -> Gatherer:
        limits = self._limits
        bounds = SpoolBounds(
            self._settings.spool_directory, limits.spool_above_bytes, limits.max_message_bytes
        )
        return SubmittedSpool(trace, bounds)

    async def _take_message(self, transaction: Transaction[SubmittedRecipient], gathered: Gatherer) -> None:
        outcome = ACCEPTED
        try:
            processing_id = await self._submit(transaction, gathered)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a reply and may try again
            refusal = self._as_postroom_error(error, "submission_failed")
            outcome = refusal.code
            reply = reply_for(refusal)
        else:
            reply = Reply(250, "2.0.0", f"Queued as {processing_id}, id {transaction.message_id}")
        self._counts.submissions[outcome] += 1
        _log.debug(
            "submission_message",
            id=transaction.message_id,
            client=self._wire.client,
            sender=transaction.mail.sender,
            size_bytes=gathered.size_bytes,
            outcome=outcome,
        )
        self._wire.send(render_reply(reply))

    async def _submit(self, transaction: Transaction[SubmittedRecipient], gathered: Gatherer) -> int:
        if not isinstance(gathered, SubmittedSpool):
            raise TypeError(gathered)
        content = gathered.finish()
        mail = transaction.mail
        submitted = Submitted(
            sender=mail.sender,
            recipients=tuple(transaction.recipients),
            from_=gathered.from_,
            sender_field=gathered.sender,
            needs_smtputf8=mail.smtputf8 and gathered.has_8bit_header,
            is_8bit=gathered.is_8bit,
            ret=mail.ret,
            envid=mail.envid,
        )
        self._stats.messages += 1
        self._stats.message_bytes += len(content)
        return await self._submission.submit(self._known_caller(), submitted, content)
