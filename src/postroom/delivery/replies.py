"""Replies: the one table from what went wrong to reply code and enhanced status code.

The domain speaks in :class:`Kind` and stable error codes; here they become RFC 5321 §4.2 reply codes with the
enhanced codes of RFC 3463 (given as RFC 2034 demands: with every 2xx, 4xx and 5xx reply but the greeting and the
reply to LHLO or EHLO). A code that has no entry of its own falls back to its kind, and every kind has an entry.

A full mailbox is temporary (452 4.2.2, not 552 5.2.2): the sending server keeps the message and tries again for
days, in which the owner can make room, while 552 would lose it at once. The final failure then comes from the
sender's queue, with the same text. A message larger than this server ever takes is permanent (552 5.3.4).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from postroom.errors import Kind, PostroomError


class Reply(NamedTuple):
    """A one-line reply: reply code, enhanced code ("" for none), text safe to show."""

    code: int
    enhanced: str
    text: str


_BY_KIND: Final[dict[Kind, tuple[int, str]]] = {
    Kind.INVALID: (501, "5.5.4"),
    Kind.UNAUTHENTICATED: (550, "5.7.1"),
    Kind.DENIED: (550, "5.7.1"),
    Kind.NOT_FOUND: (550, "5.1.1"),
    Kind.CONFLICT: (451, "4.3.0"),
    Kind.TOO_LARGE: (552, "5.3.4"),
    Kind.LIMITED: (452, "4.2.2"),
    Kind.UNAVAILABLE: (451, "4.3.0"),
    Kind.INTERNAL: (451, "4.3.0"),
}

_BY_CODE: Final[dict[str, tuple[int, str]]] = {
    # What the domain says of a recipient or a message.
    "unknownRecipient": (550, "5.1.1"),
    "recipientDisabled": (550, "5.2.1"),
    "messageQuotaExceeded": (452, "4.2.2"),
    "sizeQuotaExceeded": (452, "4.2.2"),
    "payloadTooLarge": (552, "5.3.4"),
    "unavailable": (451, "4.3.0"),
    "diskFull": (452, "4.3.1"),
    # What the grammar says of a command.
    "badCommandLine": (500, "5.5.2"),
    "unknownCommand": (500, "5.5.1"),
    "commandNotImplemented": (502, "5.5.1"),
    "badArgument": (501, "5.5.4"),
    "unknownParameter": (555, "5.5.4"),
    "badSender": (501, "5.1.7"),
    "badRecipient": (501, "5.1.3"),
    "addressNeedsSMTPUTF8": (553, "5.6.7"),
    # What the session says of a command in its place.
    "badSequence": (503, "5.5.1"),
    "noTransaction": (503, "5.5.1"),
    "noValidRecipients": (503, "5.5.1"),
    "tooManyRecipients": (452, "4.5.3"),
    # What submission asks of clients (RFC 3207 §4, RFC 4954 §6, RFC 6409 §6.1) and of messages.
    "tlsRequired": (530, "5.7.0"),
    "tlsRequiredForLogin": (538, "5.7.11"),
    "loginRequired": (530, "5.7.0"),
    "loginCancelled": (501, "5.7.0"),
    "badEncoding": (501, "5.5.2"),
    "unknownMechanism": (504, "5.5.4"),
    "notAuthenticated": (535, "5.7.8"),
    "passwordChangeRequired": (535, "5.7.0"),
    "secondFactorRequired": (535, "5.7.0"),
    "tooManyRequests": (454, "4.7.0"),
    "queueFull": (452, "4.3.1"),
    "senderNotOwn": (550, "5.7.1"),
    "badMessage": (554, "5.6.0"),
}

_MAX_TEXT_BYTES: Final = 400
"""Keeps a reply line, with its codes and CRLF, below the 512 bytes of RFC 5321 §4.5.3.1.5."""

OK: Final = Reply(250, "2.0.0", "OK")
SENDER_OK: Final = Reply(250, "2.1.0", "Sender OK")
RECIPIENT_OK: Final = Reply(250, "2.1.5", "Recipient OK")
START_DATA: Final = Reply(354, "", "Start mail input; end with <CRLF>.<CRLF>")
CANNOT_VERIFY: Final = Reply(252, "2.0.0", "Cannot verify; send some mail and see")
GOODBYE: Final = Reply(221, "2.0.0", "Goodbye")
SHUTTING_DOWN: Final = Reply(421, "4.3.2", "Server is shutting down; try again later")
TIMED_OUT: Final = Reply(421, "4.4.2", "Timed out waiting for the client")
TOO_MANY_ERRORS: Final = Reply(421, "4.7.0", "Too many errors")
TOO_MANY_CONNECTIONS: Final = Reply(421, "4.3.2", "Too many connections; try again later")
WRONG_PROTOCOL: Final = Reply(421, "4.7.0", "This is not a web server")
START_TLS: Final = Reply(220, "2.0.0", "Ready to start TLS")
LOGGED_IN: Final = Reply(235, "2.7.0", "Authentication succeeded")
TOO_MANY_FAILED_LOGINS: Final = Reply(421, "4.7.0", "Too many failed logins")
LOGIN_NO_LONGER_VALID: Final = Reply(421, "4.7.0", "The login is no longer valid; connect anew")
COMMANDS_BEFORE_TLS: Final = Reply(421, "4.7.0", "Nothing may follow STARTTLS before TLS has begun")
LOST_SYNCHRONISATION: Final = Reply(421, "4.5.2", "Cannot tell where the next command begins")


def reply_for(error: PostroomError) -> Reply:
    """Return the reply for ``error``: by its code where the table has it, else by its kind."""
    code, enhanced = _BY_CODE.get(error.code) or _BY_KIND[error.kind]
    return Reply(code, enhanced, error.message)


def internal_error(private: str) -> PostroomError:
    """Return the error for what nobody foresaw; the client may try again."""
    return PostroomError(
        Kind.INTERNAL,
        "internalError",
        "Internal error; try again later",
        private=private,
        retry_after_seconds=60,
    )


def render_reply(reply: Reply) -> bytes:
    """Return ``reply`` as one line with its CRLF; what a reply may not carry is replaced (RFC 5321 §4.2)."""
    text = reply.text
    if not (text.isascii() and text.isprintable()):
        text = "".join(char if " " <= char <= "~" else "?" for char in text)
    parts = (str(reply.code), reply.enhanced, text[:_MAX_TEXT_BYTES])
    return " ".join(part for part in parts if part).encode("ascii") + b"\r\n"


def render_hello_reply(hostname: str, extensions: Sequence[str]) -> bytes:
    """Return the multi-line reply to LHLO or EHLO: the server's name and its extensions (RFC 5321 §4.1.1.1)."""
    lines = (hostname, *extensions)
    text = "".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}\r\n"
    return text.encode("ascii")
