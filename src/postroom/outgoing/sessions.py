"""A session with a server: greeting, EHLO, STARTTLS (RFC 3207) and AUTH (RFC 4954), up to where mail can go.

Where TLS is opportunistic, a server that offers it and then fails at it is called again without. What was offered
before TLS is forgotten afterwards.
"""

import base64
from typing import Final

from postroom.outgoing.attempt import UnusableError
from postroom.outgoing.policies import IMPLICIT, NONE, OPPORTUNISTIC, Endpoint, Policy
from postroom.outgoing.replies import SERVICE_CLOSING, Reply
from postroom.outgoing.wire import LostError, Wire, connect

_NO_SERVICE: Final = frozenset((521, 556))
"""Greetings of hosts that never take mail (RFC 7504)."""


class TLSFailedError(UnusableError):
    """The server offers TLS, and it came to nothing."""


class Session:
    """A connection to a server that is ready for mail."""

    def __init__(self, wire: Wire, endpoint: Endpoint, policy: Policy) -> None:
        self.wire = wire
        self.endpoint = endpoint
        self.policy = policy
        self.extensions: dict[str, str] = {}
        self.is_encrypted = policy.tls == IMPLICIT
        self.greeting = ""
        """The first line that the server said."""
        self.mails = 0
        """Transactions that were begun."""
        self.is_dirty = False
        """A transaction was left in the middle: RSET comes first."""

    @property
    def remote(self) -> str:
        """The server's name."""
        return self.endpoint.host

    @property
    def is_usable(self) -> bool:
        """More mail can go through."""
        return self.wire.is_quiet and self.mails < self.policy.limits.mails_per_connection

    def offers(self, extension: str) -> bool:
        """Tell whether the server has an extension, by its upper-case keyword."""
        return extension in self.extensions

    async def command(self, line: str, *, seconds: float = 0) -> Reply:
        """Send a command and return the reply. Raises: :class:`LostError`."""
        self.wire.write(line.encode("utf-8") + b"\r\n")
        return await self.wire.read_reply(seconds or self.policy.limits.reply_seconds)

    def unusable(self, answer: str | Reply, status: str = "") -> UnusableError:
        """Return the error for a server that cannot be used."""
        if isinstance(answer, Reply):
            return UnusableError(str(answer), status=status or answer.status, remote=self.remote)
        return UnusableError(answer, status=status, remote=self.remote)

    def close(self) -> None:
        """Leave: QUIT, whose reply nobody needs."""
        if self.wire.is_quiet:
            self.wire.write(b"QUIT\r\n")
        self.wire.close()

    async def begin(self, *, with_tls: bool) -> None:
        """Do everything up to the first mail. Raises: :class:`UnusableError`, :class:`LostError`."""
        greeting = await self.wire.read_reply(self.policy.limits.reply_seconds)
        self.greeting = greeting.lines[0] if greeting.lines else ""
        if greeting.code != 220:
            # A host that refuses today by 554 may only dislike the weather: only the codes made for it are final.
            is_final = greeting.code in _NO_SERVICE
            raise self.unusable(greeting, greeting.status if is_final else "4.3.2")
        await self._greet()
        if with_tls and not self.is_encrypted:
            await self._start_tls()
        if self.policy.needs_tls(self.endpoint) and not self.is_encrypted:
            raise self.unusable("TLS is required, and the server does not offer it", "4.7.10")
        if self.policy.has_credentials:
            await self._authenticate()

    async def _greet(self) -> None:
        reply = await self.command(f"EHLO {self.policy.hostname}")
        if reply.is_permanent:
            reply = await self.command(f"HELO {self.policy.hostname}")
            self.extensions = {}
        else:
            words = [line.partition(" ") for line in reply.lines[1:]]
            self.extensions = {keyword.upper(): values.strip() for keyword, _, values in words}
            for keyword in [keyword for keyword in self.extensions if keyword.startswith("AUTH=")]:
                self.extensions.setdefault("AUTH", keyword[5:] + " " + self.extensions.pop(keyword))
        if not reply.is_positive:
            # Whoever refuses our name does so whatever is sent; it is for people to put right.
            raise self.unusable(reply, "4.3.2")

    async def _start_tls(self) -> None:
        if not self.offers("STARTTLS"):
            return
        try:
            reply = await self.command("STARTTLS")
            if reply.code == SERVICE_CLOSING:
                raise self.unusable(reply)
            if reply.code != 220:
                return
            await self.wire.start_tls(
                self.policy.get_context(self.endpoint),
                self.endpoint.host,
                seconds=self.policy.limits.connect_seconds,
            )
            self.is_encrypted = True
            # With TLS 1.3 a server may drop us only now.
            await self._greet()
        except (LostError, OSError) as error:
            answer = _at(self.endpoint, error)
            raise TLSFailedError(answer, status="4.7.5", remote=self.remote) from error

    async def _authenticate(self) -> None:
        """Authenticate by PLAIN (RFC 4616), or LOGIN where that is all there is."""
        mechanisms = self.extensions.get("AUTH", "").upper().split()
        name, password = self.policy.username, self.policy.password
        if "PLAIN" in mechanisms:
            reply = await self.command(f"AUTH PLAIN {_encode(f'{chr(0)}{name}{chr(0)}{password}')}")
        elif "LOGIN" in mechanisms:
            reply = await self.command("AUTH LOGIN")
            for word in (name, password):
                if reply.code == 334:
                    reply = await self.command(_encode(word))
        else:
            raise self.unusable("the server takes no password (AUTH PLAIN or LOGIN)", "4.7.0")
        if not reply.is_positive:
            # Mail waits until the configuration is put right: it is not the sender's fault.
            raise self.unusable(reply, "4.7.8")


async def open_session(endpoint: Endpoint, policy: Policy) -> Session:
    """Return a session with a server. Raises: :class:`UnusableError`."""
    try:
        return await _open(endpoint, policy, with_tls=policy.tls != NONE)
    except TLSFailedError as error:
        if policy.tls != OPPORTUNISTIC or policy.needs_tls(endpoint):
            raise
        failure = error
    try:
        return await _open(endpoint, policy, with_tls=False)
    except UnusableError as error:
        raise error from failure


async def _open(endpoint: Endpoint, policy: Policy, *, with_tls: bool) -> Session:
    is_implicit = policy.tls == IMPLICIT
    try:
        wire = await connect(
            endpoint.address,
            endpoint.port,
            seconds=policy.limits.connect_seconds,
            tls=policy.get_context(endpoint) if is_implicit else None,
            name=endpoint.host,
        )
    except (LostError, OSError) as error:
        raise UnusableError(_at(endpoint, error), status="4.4.1", remote=endpoint.host) from error
    session = Session(wire, endpoint, policy)
    try:
        await session.begin(with_tls=with_tls)
    except LostError as error:
        raise UnusableError(_at(endpoint, error), status="4.4.2", remote=endpoint.host) from error
    except BaseException:
        session.wire.abort()
        raise
    return session


def _at(endpoint: Endpoint, error: Exception) -> str:
    """Return what went wrong, and where."""
    where = endpoint.host if endpoint.host == endpoint.address else f"{endpoint.host} [{endpoint.address}]"
    return f"{where} port {endpoint.port}: {error}"


def _encode(text: str) -> str:
    return base64.b64encode(text.encode("utf-8")).decode("ascii")
