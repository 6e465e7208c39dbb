"""Addresses as callers write them, and as headers carry them (RFC 5322 §3.4, RFC 6532, RFC 5321 §4.1.2).

Read with all that the grammar allows, and its obsolete forms: comments, quoted local parts, domain literals,
groups (flattened), empty elements, routes (dropped), dots in phrases. What people write besides is taken where it can
mean one thing only: semicolons between addresses, an ``@`` or brackets in a display name, any white space of Unicode.
Whatever else is not an address is refused by name: a mail that goes to fewer people than were named is worse than
none.

The text is read from left to right once, token by token, so the time is linear.

Domains are turned into A-labels (RFC 5890), so that only a local part beyond ASCII asks for SMTPUTF8. Display names
may hold encoded words, which are decoded. Line ends, NUL and other controls are refused wherever they come from.
"""

import ipaddress
import re
import unicodedata
from contextlib import suppress
from email.errors import HeaderParseError
from email.header import decode_header
from functools import lru_cache
from typing import Final, NamedTuple

import idna

from postroom.compose.fields import clean_value, encode_words, is_plain
from postroom.errors import bad_parameter

MAX_LIST_CHARS: Final = 128 * 1024
MAX_NAME_CHARS: Final = 500
MAX_ADDR_SPEC_BYTES: Final = 254
"""A path has at most 256 octets, with its angle brackets (RFC 5321 §4.5.3.1.3)."""
_MAX_DOMAIN_BYTES = 253
_LONGEST_PLAIN_NAME_CHARS = 60

_ATOM = r"""[^\x00-\x20\x7f"(),.:;<>@\[\\\]]+"""
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_ASCII_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_HOST = (
    r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
_HOST_NAME = re.compile(_HOST)
_SPEC = rf"({_ASCII_ATOM}(?:\.{_ASCII_ATOM})*)@({_HOST})"
_SIMPLE = re.compile(
    rf"""[ ]*+(?:{_SPEC}|(?:"([^"\\]*+)"|({_ASCII_ATOM}(?:[ ]{_ASCII_ATOM})*))?[ ]*+<{_SPEC}>)[ ]*+(?:,|\Z)"""
)
"""An element of the common forms in ASCII; what else there is goes the long way. The words of a name are not taken
possessively: Python 3.11.2 would take the space behind the last one, too."""
_LITERAL = re.compile(r"\[[0-9A-Za-z:.]+\]")
_PLAIN_NAME = re.compile(rf"{_ASCII_ATOM}(?: {_ASCII_ATOM})*")
_TOKEN = re.compile(
    r"""(?P<word>=\?[^?\s]{1,64}\?[bBqQ]\?[^?\s]*+\?=)
    |(?P<quoted>"(?:[^"\\]|\\.)*+")
    |(?P<literal>\[[^\[\]\\]*+\])
    |(?P<space>\s++)
    |(?P<special>[(),;:<>@])
    |(?P<atom>(?:[^\s"(),;:<>@\[\]\\])++)""",
    re.VERBOSE | re.DOTALL,
)
_SEPARATOR = re.compile("[,;]")
_COMMENT_MARK = re.compile(r"\\.|[()]", re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_QUOTED_PAIR = re.compile(r'(["\\])')
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")
_UNWANTED = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"))
"""Unicode categories with no place in an address: controls, formats, surrogates, private use, separators."""


class Address(NamedTuple):
    """A mailbox: display name ("" if none), local part without quotes, domain in ASCII or an address literal."""

    name: str
    local_part: str
    domain: str

    @property
    def addr_spec(self) -> str:
        """``local-part@domain``, the local part quoted where it must be."""
        if _DOT_ATOM.fullmatch(self.local_part):
            return f"{self.local_part}@{self.domain}"
        return f"{quote(self.local_part)}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """Whether it can be written without SMTPUTF8 (RFC 6531)."""
        return self.local_part.isascii()

    def __str__(self) -> str:
        """Return the mailbox as people read and write it: the display name undecoded, quoted where it must be."""
        if not self.name:
            return self.addr_spec
        name = self.name if _PLAIN_NAME.fullmatch(self.name) else quote(self.name)
        return f"{name} <{self.addr_spec}>"

    def render(self, field: str) -> list[str]:
        """Return the mailbox for the header field of that name, as tokens with a space between."""
        spec = self.addr_spec
        name = self.name
        if not name:
            return [spec]
        if is_plain(name) and len(name) <= _LONGEST_PLAIN_NAME_CHARS:
            return [name if _PLAIN_NAME.fullmatch(name) else quote(name), f"<{spec}>"]
        return [*encode_words(name, name=field), f"<{spec}>"]


def quote(text: str) -> str:
    """Return a quoted string (RFC 5322 §3.2.4)."""
    return '"' + _NEEDS_QUOTED_PAIR.sub(r"\\\1", text) + '"'


def parse_address_list(text: str, *, parameter: str) -> list[Address]:
    """Return the mailboxes of an address list in order, groups flattened; none for a text without any.

    Raises: badParameter (``parameter``), which names what is not an address.
    """
    if len(text) > MAX_LIST_CHARS:
        raise bad_parameter(parameter, f"the list is longer than {MAX_LIST_CHARS} characters")
    if _CONTROL.search(text):
        raise bad_parameter(parameter, "line ends and control characters are not possible here")
    found: list[Address] = []
    position = 0
    while position < len(text):
        match = _SIMPLE.match(text, position)
        if match is None or "=?" in match[0] or len(match[0]) > MAX_ADDR_SPEC_BYTES:
            return _Reader(text, position, found, parameter).read()
        local_part, domain, quoted, phrase, named_local_part, named_domain = match.groups()
        if local_part is not None:
            found.append(Address("", local_part, domain))
        else:
            name = " ".join((quoted or "").split()) or phrase or ""
            found.append(Address(name, named_local_part, named_domain))
        position = match.end()
    return found


def parse_address(text: str, *, parameter: str) -> Address:
    """Return the one mailbox in a text. Raises: badParameter (``parameter``)."""
    found = parse_address_list(text, parameter=parameter)
    if len(found) != 1:
        raise bad_parameter(parameter, f"{_shorten(text)} is not one address")
    return found[0]


def check_address(address: Address, *, parameter: str) -> Address:
    """Return an address that was not parsed here, fit for a header. Raises: badParameter (``parameter``)."""
    name, local_part, domain = address
    is_domain = _HOST_NAME.fullmatch(domain) or (domain[:1] == "[" and _LITERAL.fullmatch(domain))
    if not is_domain or _CONTROL.search(local_part) or "\t" in local_part:
        raise bad_parameter(parameter, f"{_shorten(f'{local_part}@{domain}')} is not an address")
    cleaned = clean_value(name, parameter=parameter)
    return address if cleaned == name else Address(cleaned, local_part, domain)


def render_addresses(name: str, addresses: tuple[Address, ...]) -> list[str]:
    """Return the tokens of an address field."""
    tokens: list[str] = []
    for address in addresses:
        if tokens:
            tokens[-1] += ","
        tokens.extend(address.render(name))
    return tokens


class _Token(NamedTuple):
    """A token; ``space`` is the white space (or comment) before it."""

    kind: str
    text: str
    space: str


class _NoAddressError(ValueError):
    """The element that is being read is no mailbox."""


class _Reader:
    """Reads elements one after the other, from ``position`` on."""

    def __init__(self, text: str, position: int, found: list[Address], parameter: str) -> None:
        self._text = text
        self._position = position
        self._start = position
        self._found = found
        self._parameter = parameter
        self._in_group = False
        self._begin_element()

    def _begin_element(self) -> None:
        self._tokens: list[_Token] = []
        self._opened: int | None = None
        """How many tokens there were before the angle bracket."""
        self._in_route = False
        self._comment = ""
        self._space = ""

    def read(self) -> list[Address]:
        """Return what has been found before and what there is. Raises: badParameter."""
        try:
            while self._position < len(self._text):
                self._read_token()
            if self._in_group:
                raise _NoAddressError
            self._finish()
        except _NoAddressError:
            position = self._position - (self._text[self._position - 1] in ",;")
            match = _SEPARATOR.search(self._text, position)
            end = match.start() if match else len(self._text)
            element = _shorten(self._text[self._start : end])
            raise bad_parameter(self._parameter, f"{element} is not an address") from None
        return self._found

    def _read_token(self) -> None:
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            raise _NoAddressError
        kind = str(match.lastgroup)
        mark = match[0]
        if kind == "special" and mark in ",;":
            self._position = match.end()
            self._separate(mark)
            return
        self._position = match.end()
        if kind == "space":
            self._space = " " if mark.isascii() or self._space else mark
        elif mark == "(":
            self._read_comment()
        elif mark == ":" and self._opened is None:
            self._open_group()
        elif kind == "word" and _DOT_ATOM.fullmatch(mark):
            self._add(_Token("atom", mark, self._space))
        else:
            self._add(_Token(mark if kind == "special" else kind, mark, self._space))

    def _add(self, token: _Token) -> None:
        if self._opened == len(self._tokens) - 1:
            self._in_route = token.kind == "@"
        elif token.kind in ":>":
            self._in_route = False
        if token.kind == "<" and self._opened is None:
            self._opened = len(self._tokens)
        self._tokens.append(token)
        self._space = ""

    def _separate(self, mark: str) -> None:
        """End an element; a semicolon ends a group, or separates as a comma does. A route has commas of its own."""
        if mark == "," and self._in_route:
            self._add(_Token(",", mark, ""))
            return
        self._finish()
        self._start = self._position
        if mark == ";":
            self._in_group = False

    def _open_group(self) -> None:
        if self._in_group or not any(token.kind in ("atom", "quoted") for token in self._tokens):
            raise _NoAddressError
        self._in_group = True
        self._begin_element()
        self._start = self._position

    def _read_comment(self) -> None:
        depth, start = 1, self._position
        for match in _COMMENT_MARK.finditer(self._text, start):
            depth += {"(": 1, ")": -1}.get(match[0], 0)
            if depth == 0:
                self._comment = self._comment or self._text[start : match.start()]
                self._position = match.end()
                self._space = self._space or " "
                return
        raise _NoAddressError

    def _finish(self) -> None:
        """Take what has been read as a mailbox, if it is anything."""
        tokens, comment, opened = self._tokens, self._comment, self._opened
        if not tokens:
            self._begin_element()
            return
        if opened is None:
            name = _QUOTED_PAIR.sub(r"\1", comment)
            local_part, domain = _read_spec(tokens)
        else:
            if tokens[-1].kind != ">":
                raise _NoAddressError
            name = _read_phrase(tokens[:opened]) or _QUOTED_PAIR.sub(r"\1", comment)
            local_part, domain = _read_spec(_without_route(tokens[opened + 1 : -1]))
        name = _decode_name(name)
        address = Address(name, local_part, domain)
        if len(name) > MAX_NAME_CHARS or len(address.addr_spec.encode()) > MAX_ADDR_SPEC_BYTES:
            raise _NoAddressError
        self._found.append(address)
        self._begin_element()


def _shorten(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 100 else text[:100] + "…")


def _read_phrase(tokens: list[_Token]) -> str:
    """Return a display name; white space beyond ASCII stays what it is."""
    parts: list[str] = []
    for token in tokens:
        if token.kind in "<>:,":
            raise _NoAddressError
        text = token.text
        if token.kind == "quoted":
            text = _QUOTED_PAIR.sub(r"\1", text[1:-1])
        parts.append((token.space if parts else "") + text)
    return "".join(parts)


def _decode_name(name: str) -> str:
    """Return a display name with its encoded words decoded, on one line."""
    if "=?" in name and _ENCODED_WORD.search(name):
        # What is no proper encoded word stays what it is: a name.
        with suppress(HeaderParseError, LookupError, ValueError):
            name = "".join(
                part if isinstance(part, str) else part.decode(charset or "ascii")
                for part, charset in decode_header(name)
            )
        if _CONTROL.search(name):
            raise _NoAddressError
    return re.sub(r"[ \t]+", " ", name).strip()


def _without_route(tokens: list[_Token]) -> list[_Token]:
    """Return what is between angle brackets without an obsolete route (RFC 5322 §4.4)."""
    if not tokens or tokens[0].kind not in ("@", ","):
        return tokens
    for index, token in enumerate(tokens):
        if token.kind == ":":
            return tokens[index + 1 :]
        if token.kind not in ("@", ",", "atom", "literal"):
            break
    raise _NoAddressError


def _read_spec(tokens: list[_Token]) -> tuple[str, str]:
    """Return local part and domain of an addr-spec; white space and comments may stand between all tokens."""
    at = next((i for i, token in enumerate(tokens) if token.kind == "@"), -1)
    if at < 1:
        raise _NoAddressError
    local_part = _read_local_part(tokens[:at])
    after = tokens[at + 1 :]
    if len(after) == 1 and after[0].kind == "literal":
        return local_part, _read_literal(after[0].text[1:-1].strip())
    return local_part, _read_domain("".join(_words(after, may_quote=False)))


def _read_local_part(tokens: list[_Token]) -> str:
    text = unicodedata.normalize("NFC", "".join(_words(tokens, may_quote=True)))
    if "\t" in text:
        raise _NoAddressError
    if not text.isascii() and any(unicodedata.category(char) in _UNWANTED for char in text.replace(" ", "")):
        raise _NoAddressError
    return text


def _words(tokens: list[_Token], *, may_quote: bool) -> list[str]:
    """Return words and the dots between them, which have to take turns."""
    found: list[str] = []
    wants_word = True
    for token in tokens:
        if token.kind == "quoted" and may_quote:
            pieces = [_QUOTED_PAIR.sub(r"\1", token.text[1:-1])]
            is_dot = [False]
        elif token.kind == "atom":
            pieces = [piece for piece in re.split(r"(\.)", token.text) if piece]
            is_dot = [piece == "." for piece in pieces]
        else:
            raise _NoAddressError
        for piece, dot in zip(pieces, is_dot, strict=True):
            if dot is wants_word:
                raise _NoAddressError
            found.append(piece)
            wants_word = dot
    if wants_word:
        raise _NoAddressError
    return found


@lru_cache(maxsize=1024)
def _to_ascii(name: str) -> str:
    return idna.encode(name, uts46=True, transitional=False).decode("ascii")


def _read_domain(name: str) -> str:
    """Return a domain name in ASCII."""
    if not name.isascii():
        if len(name) > _MAX_DOMAIN_BYTES:
            raise _NoAddressError
        try:
            name = _to_ascii(name)
        except UnicodeError:
            raise _NoAddressError from None
    if len(name) > _MAX_DOMAIN_BYTES or not _HOST_NAME.fullmatch(name):
        raise _NoAddressError
    return name


def _read_literal(inside: str) -> str:
    """Return an address literal (RFC 5321 §4.1.3) in its usual spelling."""
    try:
        if inside[:5].upper() == "IPV6:":
            return f"[IPv6:{ipaddress.IPv6Address(inside[5:])}]"
        return f"[{ipaddress.IPv4Address(inside)}]"
    except ValueError:
        raise _NoAddressError from None
