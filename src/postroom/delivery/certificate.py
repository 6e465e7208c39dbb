"""The certificate of a server, read from files, and read again when they are renewed.

New connections get what the files hold now: they are looked at when a connection asks for TLS, at most once a minute.
If what they hold then cannot be used, the one that was read before stays, and the log says so. Connections that are
open keep what they began with.

Whoever takes a context for each connection asks for :meth:`Certificate.context`. A server that takes one context for
all is given :meth:`Certificate.lasting_context`, which changes over to the present one within each handshake.
"""

import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from postroom.errors import Kind, PostroomError

_log: Final = structlog.get_logger(__name__)

_LOOK_AGAIN_SECONDS: Final = 60.0


class Certificate:
    """A certificate with its chain and its key, in PEM."""

    def __init__(
        self,
        certificate: Path,
        key: Path | None,
        *,
        protocols: Sequence[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``key`` is None where the key is in the certificate's file; ``protocols`` are offered by ALPN (RFC 7301).

        Raises: badCertificate, which names the file and says what is wrong with it.
        """
        self._certificate = certificate
        self._key = key
        self._protocols = protocols
        self._monotonic = monotonic
        self._looked_at = monotonic()
        self._state = self._look()
        self._context = self._read()

    def context(self) -> ssl.SSLContext:
        """Return what a TLS handshake of a server needs."""
        now = self._monotonic()
        if now - self._looked_at >= _LOOK_AGAIN_SECONDS:
            self.look_again()
        return self._context

    def lasting_context(self) -> ssl.SSLContext:
        """Return a context for all handshakes to come, whatever certificate they are to have."""

        def change_over(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            connection.context = self.context()

        # OpenSSL calls this for every handshake, whether the client names a server or not.
        lasting = self._read()
        lasting.sni_callback = change_over
        return lasting

    def look_again(self) -> None:
        """Read the files again if they have changed."""
        self._looked_at = self._monotonic()
        self._renew()

    def _renew(self) -> None:
        try:
            state = self._look()
            if state != self._state:
                self._context = self._read()
                self._state = state
                _log.info("certificate_renewed", certificate=str(self._certificate))
        except PostroomError as error:
            _log.error("certificate_not_renewed", error=error.message)

    def _look(self) -> list[tuple[int, int, int]]:
        """Return what changes when the files do. Raises: badCertificate."""
        found = []
        for path in (self._certificate, self._key or self._certificate):
            try:
                with path.open("rb"):
                    status = path.stat()
            except OSError as error:
                raise _bad(f"{path} cannot be read: {error.strerror or error}") from None
            found.append((status.st_ino, status.st_mtime_ns, status.st_size))
        return found

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A client that could ask for new keys again and again would get this server to work for nothing.
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        if self._protocols:
            context.set_alpn_protocols(list(self._protocols))
        where = f"{self._certificate}" + (f" with the key {self._key}" if self._key else "")
        try:
            # Without an answer to "password", OpenSSL would ask for one at the terminal.
            context.load_cert_chain(self._certificate, self._key, password=lambda: "")
        except ssl.SSLError as error:
            raise _bad(f"{where} cannot be used: {_explain(error)}") from None
        except OSError as error:
            raise _bad(f"{where} cannot be read: {error.strerror or error}") from None
        return context


def _explain(error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    if error.reason == "NO_START_LINE" or error.reason is None:
        return "it must hold a certificate and an unencrypted key in PEM"
    return error.reason.replace("_", " ").lower()


def _bad(message: str) -> PostroomError:
    return PostroomError(Kind.INVALID, "badCertificate", message)
