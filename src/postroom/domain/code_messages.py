"""Messages with codes: mails go into the outgoing queue in the transaction that notes the code, text messages by a
gateway once that is durable.

A text message goes its way behind the answer: whoever asks waits for no gateway, and learns nothing from the time it
takes. One that cannot be sent is in the log; its user asks for another.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import structlog

from postroom.compose.addresses import parse_address
from postroom.compose.postmaster import PostmasterMail, compose_postmaster_mail
from postroom.content.digest import Digest, digest_message
from postroom.domain.automatic import enqueue_automatic, make_message_id
from postroom.domain.clock import Clock
from postroom.domain.routing import Route, Routing
from postroom.errors import Kind, PostroomError
from postroom.model.outgoing import NOTICE
from postroom.store.tx import Transaction

MAX_SENDING: Final = 100
"""Text messages on their way at the same time."""

SmsSender = Callable[[str, str], Awaitable[None]]
"""Sends a text to a phone number. Raises: unavailable."""

_log: Final = structlog.get_logger("postroom.codes")


class ReadyMail(NamedTuple):
    """A mail that is ready to be sent."""

    digest: Digest
    route: Route
    is_8bit: bool


class CodeMessages:
    """Sends codes."""

    def __init__(self, routing: Routing, *, clock: Clock, send_sms: SmsSender | None) -> None:
        """Without ``send_sms`` there are no text messages."""
        self._routing = routing
        self._clock = clock
        self._send_sms = send_sms
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def has_sms(self) -> bool:
        """There is a gateway for text messages."""
        return self._send_sms is not None

    async def close(self) -> None:
        """Give up what is on its way."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def settle(self) -> None:
        """Wait for what is on its way."""
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def prepare_mail(
        self, sender: str, target: str, *, subject: str, text: str, language: str
    ) -> ReadyMail:
        """Return a mail of the server of an account (its address) to a target, ready to be sent.

        Raises: badParameter for a target that no mail can be sent to; unavailable.
        """
        to = parse_address(target, parameter="target")
        domain = sender.rpartition("@")[2]
        mail = PostmasterMail(
            to, domain, language, subject, text, make_message_id(domain), int(self._clock.now())
        )
        raw = compose_postmaster_mail(mail)
        route = await self._routing.find(target)
        return ReadyMail(digest_message(raw), route, not raw.isascii())

    async def send_mail(self, tx: Transaction, mail: ReadyMail) -> None:
        """Put a mail into the queue, in a transaction of the account that it is about."""
        now = self._clock.now_ms()
        await enqueue_automatic(tx, mail.digest, mail.route, kind=NOTICE, is_8bit=mail.is_8bit, now=now)

    def send_sms(self, number: str, text: str) -> None:
        """Send a text message, behind what is done now; at most so many at a time.

        Raises: unavailable where there are too many.
        """
        if len(self._sending) >= MAX_SENDING:
            raise PostroomError(
                Kind.UNAVAILABLE, "unavailable", "many text messages are being sent", retry_after_seconds=10
            )
        task = asyncio.create_task(self._send(number, text))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, number: str, text: str) -> None:
        if self._send_sms is None:
            return
        try:
            await self._send_sms(number, text)
        except PostroomError as error:
            _log.warning("a text message was not sent", error=error.message, private=error.private)
