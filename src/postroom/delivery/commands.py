"""Grammar of the LMTP commands: from one line to one record (RFC 2033 §4, RFC 5321 §4.1.1).

Pure: a line is judged without regard to the session. Verbs and parameter names have no case; spaces at the end
of a line are tolerated (RFC 5321 §4.1.1); everything else is strict. Whatever is wrong is raised as
:class:`PostroomError` with a code that :mod:`.replies` knows.

Parameters: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531) on MAIL, none on RCPT. BDAT is RFC 3030 §2.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from postroom.delivery.addresses import is_domain, parse_path
from postroom.errors import Kind, PostroomError

BAD_CHUNK_SIZE: Final = "badChunkSize"
"""Code of the error for a BDAT command of which nobody can tell how many octets follow it."""
NOT_LMTP: Final = "notLMTP"
"""Code of the error for a line that an HTTP client sends first."""


class Lhlo(NamedTuple):
    """``LHLO domain``."""

    domain: str


class Mail(NamedTuple):
    """``MAIL FROM:<sender>``; "" is the null path. ``size_bytes`` is None if not declared."""

    sender: str
    size_bytes: int | None
    smtputf8: bool
    body_8bit: bool


class Rcpt(NamedTuple):
    """``RCPT TO:<address>``."""

    address: str


class Bdat(NamedTuple):
    """``BDAT size [LAST]``."""

    size_bytes: int
    last: bool


class Simple(NamedTuple):
    """A command without argument that matters: DATA, RSET, NOOP, VRFY, HELP, QUIT."""

    verb: str


Command = Lhlo | Mail | Rcpt | Bdat | Simple

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_REFUSED: Final = frozenset({"EXPN", "SEND", "SOML", "SAML", "TURN", "ETRN", "AUTH", "STARTTLS"})
_HTTP_METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}
)
_PARAMETER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20\x7f=]+))?")
_SIZE: Final = re.compile(r"[0-9]{1,20}")
_BDAT: Final = re.compile(r"([0-9]{1,18})( +LAST)?", re.IGNORECASE)


def parse_command(line: bytes) -> Command:
    """Return the command in ``line``, which comes without its CRLF.

    Raises ``badCommandLine`` for bytes that no command line may hold (control characters, a bare CR or LF,
    broken UTF-8), ``unknownCommand``, ``commandNotImplemented``, ``badArgument``, ``unknownParameter``,
    ``badSender``, ``badRecipient``, ``addressNeedsSMTPUTF8``, :data:`BAD_CHUNK_SIZE` and :data:`NOT_LMTP`.
    """
    try:
        text = line.decode("utf-8").rstrip(" ")
    except UnicodeDecodeError:
        raise _bad("badCommandLine", "Command line is not UTF-8") from None
    if _CONTROL.search(text):
        raise _bad("badCommandLine", "Control character, or bare CR or LF, in the command line")
    verb, _, argument = text.partition(" ")
    parser = _PARSERS.get(verb.upper())
    if parser is None:
        raise _unknown_verb(verb.upper())
    return parser(argument)


def _bad(code: str, message: str) -> PostroomError:
    return PostroomError(Kind.INVALID, code, message)


def _unknown_verb(verb: str) -> PostroomError:
    if verb in {"HELO", "EHLO"}:
        return _bad("unknownCommand", "This is LMTP: use LHLO (RFC 2033)")
    if verb in _REFUSED:
        return _bad("commandNotImplemented", "Command not implemented")
    if verb in _HTTP_METHODS:
        # A browser can be made to send mail commands in the body of a request to a local port.
        return _bad(NOT_LMTP, "This is not a web server")
    return _bad("unknownCommand", "Command not recognised")


def _parse_lhlo(argument: str) -> Lhlo:
    if not (argument.isascii() and is_domain(argument)):
        raise _bad("badArgument", "LHLO needs a domain or an address literal")
    return Lhlo(argument)


def _parse_mail(argument: str) -> Mail:
    sender, rest = _parse_path_after(argument, "FROM:", "badSender")
    size_bytes, smtputf8, body_8bit = None, False, False
    if rest:
        parameters = _parse_parameters(rest)
        size_bytes = _take_size(parameters)
        body_8bit = _take_body(parameters)
        smtputf8 = _take_flag(parameters, "SMTPUTF8")
        _refuse_rest(parameters)
    if not smtputf8 and not sender.isascii():
        raise _bad("addressNeedsSMTPUTF8", "An address beyond ASCII needs SMTPUTF8")
    return Mail(sender, size_bytes, smtputf8, body_8bit)


def _parse_rcpt(argument: str) -> Rcpt:
    address, rest = _parse_path_after(argument, "TO:", "badRecipient")
    if not address:
        raise _bad("badRecipient", "The null path is no recipient")
    if rest:
        _refuse_rest(_parse_parameters(rest))
    return Rcpt(address)


def _parse_bdat(argument: str) -> Bdat:
    match = _BDAT.fullmatch(argument)
    if match is None:
        raise _bad(BAD_CHUNK_SIZE, "BDAT needs the number of octets, and may say LAST")
    return Bdat(int(match[1]), match[2] is not None)


def _parse_vrfy(argument: str) -> Simple:
    if not argument:
        raise _bad("badArgument", "VRFY needs a name")
    return Simple("VRFY")


def _alone(verb: str) -> Callable[[str], Command]:
    command = Simple(verb)

    def parse(argument: str) -> Command:
        if argument:
            raise _bad("badArgument", f"{verb} takes no argument")
        return command

    return parse


def _with_anything(verb: str) -> Callable[[str], Command]:
    command = Simple(verb)
    return lambda _argument: command


def _parse_path_after(argument: str, keyword: str, code: str) -> tuple[str, str]:
    """Return the mailbox and the parameters' text; a space after the colon is common and harmless."""
    if argument[: len(keyword)].upper() != keyword:
        raise _bad("badArgument", f"The command needs {keyword}<address>")
    parsed = parse_path(argument[len(keyword) :].lstrip(" "))
    if parsed is None:
        raise _bad(code, "Bad address syntax")
    mailbox, rest = parsed
    if rest and rest[0] != " ":
        raise _bad(code, "Bad address syntax")
    return mailbox, rest


def _parse_parameters(text: str) -> dict[str, str | None]:
    parameters: dict[str, str | None] = {}
    for word in text.split():
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise _bad("badArgument", "Bad parameter syntax")
        name = match[1].upper()
        if name in parameters:
            raise _bad("badArgument", f"Parameter {name} given twice")
        parameters[name] = match[2]
    return parameters


def _take_size(parameters: dict[str, str | None]) -> int | None:
    if "SIZE" not in parameters:
        return None
    value = parameters.pop("SIZE")
    if value is None or not _SIZE.fullmatch(value):
        raise _bad("badArgument", "SIZE needs a number of octets")
    return int(value)


def _take_body(parameters: dict[str, str | None]) -> bool:
    if "BODY" not in parameters:
        return False
    value = (parameters.pop("BODY") or "").upper()
    if value not in {"7BIT", "8BITMIME"}:
        raise _bad("badArgument", "BODY must be 7BIT or 8BITMIME")
    return value == "8BITMIME"


def _take_flag(parameters: dict[str, str | None], name: str) -> bool:
    if name not in parameters:
        return False
    if parameters.pop(name) is not None:
        raise _bad("badArgument", f"{name} takes no value")
    return True


def _refuse_rest(parameters: dict[str, str | None]) -> None:
    for name in parameters:
        raise _bad("unknownParameter", f"Parameter {name} not recognised or not implemented")


_PARSERS: Final[dict[str, Callable[[str], Command]]] = {
    "LHLO": _parse_lhlo,
    "MAIL": _parse_mail,
    "RCPT": _parse_rcpt,
    "DATA": _alone("DATA"),
    "BDAT": _parse_bdat,
    "RSET": _alone("RSET"),
    "NOOP": _with_anything("NOOP"),
    "VRFY": _parse_vrfy,
    "HELP": _with_anything("HELP"),
    "QUIT": _alone("QUIT"),
}
