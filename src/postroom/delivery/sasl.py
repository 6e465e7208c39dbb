"""SASL on the server's side: PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login), for AUTH (RFC 4954 §4).

Pure. Both send the password as it is, so both are for use under TLS alone. An exchange is fed with the client's
answers and gives challenges, until it has what it needs.
"""

import base64
import binascii
from typing import Final, NamedTuple

from postroom.errors import Kind, PostroomError

MECHANISMS: Final = ("PLAIN", "LOGIN")

_CHALLENGES: Final = {"PLAIN": ("",), "LOGIN": ("VXNlcm5hbWU6", "UGFzc3dvcmQ6")}
"""What is asked for, in Base64: for LOGIN "Username:" and "Password:"."""


class Credentials(NamedTuple):
    """A name and a password, as given."""

    name: str
    password: str


class SaslExchange:
    """One AUTH command."""

    def __init__(self, mechanism: str) -> None:
        """Raises: unknownMechanism."""
        if mechanism not in _CHALLENGES:
            raise PostroomError(
                Kind.INVALID, "unknownMechanism", f"Mechanisms are {' and '.join(MECHANISMS)}"
            )
        self._mechanism = mechanism
        self._answers: list[bytes] = []

    def step(self, answer: str | None) -> str | None:
        """Take an answer (None before the first), return the next challenge in Base64, None where it has all.

        Raises: loginCancelled; badEncoding.
        """
        if answer is not None:
            self._answers.append(self._decode(answer))
        challenges = _CHALLENGES[self._mechanism]
        number = len(self._answers)
        return challenges[number] if number < len(challenges) else None

    def credentials(self) -> Credentials:
        """Return what the client has said, once it has said all. Raises: badEncoding; notAuthenticated."""
        if self._mechanism == "LOGIN":
            name, password = self._answers
            return _credentials(name, password)
        parts = self._answers[0].split(b"\0")
        if len(parts) != 3:
            raise _bad_encoding()
        authorization, name, password = parts
        if authorization not in {b"", name}:
            # Nobody acts for somebody else here.
            raise PostroomError(Kind.UNAUTHENTICATED, "notAuthenticated", "Authentication failed")
        return _credentials(name, password)

    def _decode(self, answer: str) -> bytes:
        if answer == "*":
            raise PostroomError(Kind.INVALID, "loginCancelled", "Authentication cancelled")
        if answer == "=":  # An initial response of no octets.
            return b""
        try:
            return base64.b64decode(answer.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise _bad_encoding() from None


def _credentials(name: bytes, password: bytes) -> Credentials:
    if b"\0" in name or b"\0" in password or not name:
        raise _bad_encoding()
    try:
        return Credentials(name.decode("utf-8"), password.decode("utf-8"))
    except UnicodeDecodeError:
        raise _bad_encoding() from None


def _bad_encoding() -> PostroomError:
    return PostroomError(Kind.INVALID, "badEncoding", "The answer cannot be read")
