"""Grammar of the commands: from one line to one record (RFC 2033 §4, RFC 5321 §4.1.1).

Pure: a line is judged without regard to the session. Verbs and parameter names have no case; spaces at the end
of a line are tolerated (RFC 5321 §4.1.1); everything else is strict. Whatever is wrong is raised as
:class:`PostroomError` with a code that :mod:`.replies` knows.

A protocol is a :class:`Grammar`: its verbs and how their arguments are read. That of LMTP is here; its parameters are
SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531) on MAIL, none on RCPT. BDAT is RFC 3030 §2. That of submission
is in :mod:`.submission_commands`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from postroom.delivery.addresses import is_domain, parse_path
from postroom.delivery.parameters import Parameters
from postroom.errors import Kind, PostroomError

BAD_CHUNK_SIZE: Final = "badChunkSize"
"""Code of the error for a BDAT command of which nobody can tell how many octets follow it."""
WRONG_PROTOCOL: Final = "wrongProtocol"
"""Code of the error for a line that an HTTP client sends first."""


class Hello(NamedTuple):
    """``LHLO domain``, ``EHLO domain``, or ``HELO domain`` (not extended); "" is a name that is no domain."""

    domain: str
    is_extended: bool = True


class Mail(NamedTuple):
    """``MAIL FROM:<sender>``; "" is the null path. ``size_bytes`` is None if not declared."""

    sender: str
    size_bytes: int | None
    smtputf8: bool
    body_8bit: bool
    ret: str = ""
    envid: str = ""


class Rcpt(NamedTuple):
    """``RCPT TO:<address>``."""

    address: str
    notify: str = ""
    orcpt: str = ""


class Bdat(NamedTuple):
    """``BDAT size [LAST]``."""

    size_bytes: int
    last: bool


class Auth(NamedTuple):
    """``AUTH mechanism [initial response]``; the response is None where there is none."""

    mechanism: str
    initial: str | None


class Simple(NamedTuple):
    """A command without argument that matters: DATA, RSET, NOOP, VRFY, HELP, QUIT, STARTTLS."""

    verb: str


Command = Hello | Mail | Rcpt | Bdat | Auth | Simple
Parser = Callable[[str], Command]


class Grammar(NamedTuple):
    """The verbs of a protocol; ``hints`` are what is said to verbs of others."""

    parsers: Mapping[str, Parser]
    hints: Mapping[str, str]


_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_REFUSED: Final = frozenset({"EXPN", "SEND", "SOML", "SAML", "TURN", "ETRN", "AUTH", "STARTTLS"})
_HTTP_METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}
)
_BDAT: Final = re.compile(r"([0-9]{1,18})( +LAST)?", re.IGNORECASE)


def parse_command(line: bytes, grammar: Grammar) -> Command:
    """Return the command in ``line``, which comes without its CRLF.

    Raises ``badCommandLine`` for bytes that no command line may hold (control characters, a bare CR or LF,
    broken UTF-8), ``unknownCommand``, ``commandNotImplemented``, ``badArgument``, ``unknownParameter``,
    ``badSender``, ``badRecipient``, ``addressNeedsSMTPUTF8``, :data:`BAD_CHUNK_SIZE` and :data:`WRONG_PROTOCOL`.
    """
    try:
        text = line.decode("utf-8").rstrip(" ")
    except UnicodeDecodeError:
        raise bad("badCommandLine", "Command line is not UTF-8") from None
    if _CONTROL.search(text):
        raise bad("badCommandLine", "Control character, or bare CR or LF, in the command line")
    verb, _, argument = text.partition(" ")
    parser = grammar.parsers.get(verb.upper())
    if parser is None:
        raise _unknown_verb(verb.upper(), grammar)
    return parser(argument)


def bad(code: str, message: str) -> PostroomError:
    """Return the error for a line that is wrong."""
    return PostroomError(Kind.INVALID, code, message)


def _unknown_verb(verb: str, grammar: Grammar) -> PostroomError:
    if verb in grammar.hints:
        return bad("unknownCommand", grammar.hints[verb])
    if verb in _REFUSED:
        return bad("commandNotImplemented", "Command not implemented")
    if verb in _HTTP_METHODS:
        # A browser can be made to send mail commands in the body of a request to a local port.
        return bad(WRONG_PROTOCOL, "This is not a web server")
    return bad("unknownCommand", "Command not recognised")


def parse_mail(argument: str, take_more: Callable[[Parameters], dict[str, Any]] = lambda _: {}) -> Mail:
    """Return a MAIL command; ``take_more`` takes the parameters that are a protocol's own."""
    sender, rest = _parse_path_after(argument, "FROM:", "badSender")
    parameters = Parameters(rest)
    mail = Mail(
        sender=sender,
        size_bytes=parameters.take_number("SIZE"),
        body_8bit=parameters.take_word("BODY", ("7BIT", "8BITMIME")) == "8BITMIME",
        smtputf8=parameters.take_flag("SMTPUTF8"),
        **take_more(parameters),
    )
    parameters.refuse_rest()
    if not mail.smtputf8 and not sender.isascii():
        raise bad("addressNeedsSMTPUTF8", "An address beyond ASCII needs SMTPUTF8")
    return mail


def parse_rcpt(argument: str, take_more: Callable[[Parameters], dict[str, Any]] = lambda _: {}) -> Rcpt:
    """Return a RCPT command; ``take_more`` takes the parameters that are a protocol's own."""
    address, rest = _parse_path_after(argument, "TO:", "badRecipient")
    if not address:
        raise bad("badRecipient", "The null path is no recipient")
    parameters = Parameters(rest)
    rcpt = Rcpt(address, **take_more(parameters))
    parameters.refuse_rest()
    return rcpt


def _parse_lhlo(argument: str) -> Hello:
    if not (argument.isascii() and is_domain(argument)):
        raise bad("badArgument", "LHLO needs a domain or an address literal")
    return Hello(argument)


def _parse_bdat(argument: str) -> Bdat:
    match = _BDAT.fullmatch(argument)
    if match is None:
        raise bad(BAD_CHUNK_SIZE, "BDAT needs the number of octets, and may say LAST")
    return Bdat(int(match[1]), match[2] is not None)


def _parse_vrfy(argument: str) -> Simple:
    if not argument:
        raise bad("badArgument", "VRFY needs a name")
    return Simple("VRFY")


def alone(verb: str) -> Parser:
    """Return the parser of a verb that takes no argument."""
    command = Simple(verb)

    def parse(argument: str) -> Command:
        if argument:
            raise bad("badArgument", f"{verb} takes no argument")
        return command

    return parse


def _with_anything(verb: str) -> Parser:
    command = Simple(verb)
    return lambda _argument: command


def _parse_path_after(argument: str, keyword: str, code: str) -> tuple[str, str]:
    """Return the mailbox and the parameters' text; a space after the colon is common and harmless."""
    if argument[: len(keyword)].upper() != keyword:
        raise bad("badArgument", f"The command needs {keyword}<address>")
    parsed = parse_path(argument[len(keyword) :].lstrip(" "))
    if parsed is None:
        raise bad(code, "Bad address syntax")
    mailbox, rest = parsed
    if rest and rest[0] != " ":
        raise bad(code, "Bad address syntax")
    return mailbox, rest


COMMON_PARSERS: Final[Mapping[str, Parser]] = {
    "DATA": alone("DATA"),
    "BDAT": _parse_bdat,
    "RSET": alone("RSET"),
    "NOOP": _with_anything("NOOP"),
    "VRFY": _parse_vrfy,
    "HELP": _with_anything("HELP"),
    "QUIT": alone("QUIT"),
}
"""What all protocols have alike."""

_USE_LHLO: Final = "This is LMTP: use LHLO (RFC 2033)"
LMTP: Final = Grammar(
    {"LHLO": _parse_lhlo, "MAIL": parse_mail, "RCPT": parse_rcpt, **COMMON_PARSERS},
    {"HELO": _USE_LHLO, "EHLO": _USE_LHLO},
)
"""The commands of RFC 2033."""
