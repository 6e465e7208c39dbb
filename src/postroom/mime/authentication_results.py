"""Authentication-Results (RFC 8601): what the mail server in front found out about who sent a message.

Anybody can write such a field, so only those of trusted hosts count, told by their authserv-id. Even a trusted name
can be forged further down, where the server in front did not remove it; therefore only the fields of one hop are
read, from the topmost trusted one down to the next Received, and of several results of a method the topmost counts.

Reading a field: one scan takes comments out (they nest, and hold quoted pairs) and parts the value at the semicolons
that are in no quoted string; then each part is read word by word. Linear in the length, which is bounded; no input
fails. What is broken yields no result: behind a comment or a quoted string without an end nothing is believed.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Final, NamedTuple

import idna

from postroom.mime.headers import HeaderField, unfold
from postroom.patterns import compile_pattern

FIELD_NAME: Final = "authentication-results"
_SUPPORTED_VERSION = "1"
_MOST_FIELDS = 20
_MOST_RESULTS = 100
_LONGEST_FIELD_BYTES = 32 << 10

_PLAIN = compile_pattern(r'[^"();\\]++')
_QUOTED = compile_pattern(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_COMMENT_MARK = compile_pattern(r"\\.|[()]", re.DOTALL)
_QUOTED_PAIR = compile_pattern(r"\\(.)", re.DOTALL)
_VALUE = r"""((?:"(?:[^"\\]|\\.)*+"|[^\s"])++)"""
_SERVER = compile_pattern(rf"\s*+{_VALUE}(?:\s++(\d++))?\s*+\Z", re.DOTALL)
_METHOD = compile_pattern(r"\s*+([A-Za-z0-9_-]++)\s*+(?:/\s*+(\d++)\s*+)?=\s*+([A-Za-z0-9_-]++)(?!\S)")
_PROPERTY = compile_pattern(
    rf"\s*+([A-Za-z0-9_-]++(?:\s*+\.\s*+[A-Za-z0-9_.-]++)?+)\s*+=\s*+{_VALUE}", re.DOTALL
)
_WORD = compile_pattern(r"\s*+\S++")
_POLICY_IN_COMMENT = compile_pattern(r"(?:^|[\s,;])(?:p|policy)\s*+=\s*+([A-Za-z]++)", re.IGNORECASE)
_POLICY_PROPERTIES = ("policy.dmarc", "policy.published-domain-policy", "policy.p")
_POLICIES = frozenset(("none", "quarantine", "reject"))


class MethodResult(NamedTuple):
    """What one method said: ``dkim=pass (good signature) header.d=example.org``. All names are in lower case.

    ``properties`` go by ``ptype.property`` (``header.d``), their values as written; of a repeated one the first.
    """

    method: str
    result: str
    reason: str
    properties: Mapping[str, str]
    comments: tuple[str, ...]

    def domain(self, name: str) -> str:
        """Return the domain in the value of a property, as A-labels in lower case; "" if there is none."""
        return fold_domain(self.properties.get(name, "").rpartition("@")[2])


class ResultsField(NamedTuple):
    """One field: who wrote it, and what it says. No results stand for ``none`` as well."""

    authserv_id: str
    results: tuple[MethodResult, ...]


class AuthenticationResults:
    """What the trusted hosts found out about one message; everything is empty where none of them said anything."""

    def __init__(self, results: Iterable[MethodResult] = ()) -> None:
        """Take results, the topmost first."""
        self.results = tuple(results)

    def __bool__(self) -> bool:
        """Tell whether there are any results."""
        return bool(self.results)

    def all_of(self, method: str) -> list[MethodResult]:
        """Return the results of a method, the topmost first."""
        return [result for result in self.results if result.method == method]

    @cached_property
    def _dmarc(self) -> MethodResult | None:
        return next(iter(self.all_of("dmarc")), None)

    @property
    def dmarc(self) -> str:
        """The result of DMARC (RFC 7489 §11.2): ``pass``, ``fail``, ``none`` and so on; "" if it was not asked."""
        return self._dmarc.result if self._dmarc else ""

    @cached_property
    def dmarc_policy(self) -> str:
        """The policy that the sender's domain publishes (``none``, ``quarantine``, ``reject``), "" if not told.

        There is a property for it (``policy.dmarc``), but most servers tell it in the comment (``p=reject``).
        """
        if self._dmarc is None:
            return ""
        given = [self._dmarc.properties.get(name, "").lower() for name in _POLICY_PROPERTIES]
        told = [match[1].lower() for match in map(_POLICY_IN_COMMENT.search, self._dmarc.comments) if match]
        return next((policy for policy in given + told if policy in _POLICIES), "")

    @property
    def header_from(self) -> str:
        """The domain of From that DMARC was asked for, as A-labels in lower case; "" if not told."""
        return self._dmarc.domain("header.from") if self._dmarc else ""

    @cached_property
    def _spf(self) -> MethodResult | None:
        found = self.all_of("spf")
        by_sender = (result for result in found if "smtp.mailfrom" in result.properties)
        return next(by_sender, found[0] if found else None)

    @property
    def spf(self) -> str:
        """The result of SPF for the envelope sender, or for the greeting where only that was asked; or ""."""
        return self._spf.result if self._spf else ""

    @property
    def spf_domain(self) -> str:
        """The domain of the envelope sender that SPF was asked for, as A-labels in lower case; "" if not told."""
        return self._spf.domain("smtp.mailfrom") if self._spf else ""

    @cached_property
    def dkim(self) -> str:
        """``pass`` if any signature is good, else ``fail`` if any is bad, else the topmost result; or ""."""
        found = [result.result for result in self.all_of("dkim")]
        return next((result for result in ("pass", "fail") if result in found), next(iter(found), ""))

    @cached_property
    def dkim_domains(self) -> tuple[str, ...]:
        """The domains whose signatures are good, as A-labels in lower case."""
        good = [result for result in self.all_of("dkim") if result.result == "pass"]
        domains = [result.domain("header.d") or result.domain("header.i") for result in good]
        return tuple(dict.fromkeys(filter(None, domains)))

    @cached_property
    def is_authenticated(self) -> bool:
        """Whether the message was submitted by somebody who had logged in (``auth=pass``)."""
        return any(result.result == "pass" for result in self.all_of("auth"))


def read_results(fields: Iterable[HeaderField], trusted_hosts: Collection[str]) -> AuthenticationResults:
    """Return what trusted hosts say of a message.

    Args:
        fields: the message's header fields, in order.
        trusted_hosts: the authserv-ids that are believed, in any case, internationalised or as A-labels.
    """
    trusted = {fold_domain(host) for host in trusted_hosts}
    found: list[MethodResult] = []
    count = 0
    for field in fields if trusted else ():
        name = field.name.lower()
        if name == "received" and count:
            break
        if name != FIELD_NAME:
            continue
        read = parse_field(field.value)
        if read is not None and fold_domain(read.authserv_id) in trusted:
            found += read.results
            count += 1
            if count >= _MOST_FIELDS:
                break
    return AuthenticationResults(found)


def parse_field(value: bytes) -> ResultsField | None:
    """Return what the raw value of a field says; None for what is none, or of a version that is not known."""
    if len(value) > _LONGEST_FIELD_BYTES:
        return None
    (head, _), *others = _split(unfold(value)) or [("", ())]
    server = _SERVER.match(head)
    if server is None or "=" in server[1] or (server[2] or _SUPPORTED_VERSION) != _SUPPORTED_VERSION:
        return None
    results = (_parse_result(text, comments) for text, comments in others[:_MOST_RESULTS])
    return ResultsField(_unquote(server[1]), tuple(result for result in results if result is not None))


def fold_domain(name: str) -> str:
    """Return the form in which domains are compared: A-labels in lower case, without the dot at the end."""
    name = name.strip().rstrip(".")
    if not name.isascii():
        try:
            return idna.encode(name, uts46=True, transitional=False).decode("ascii")
        except UnicodeError:
            return name.casefold()
    return name.lower()


def _split(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return what is between the semicolons, each with its comments apart, up to where the text is broken."""
    found: list[tuple[str, tuple[str, ...]]] = []
    words: list[str] = []
    comments: list[str] = []
    position = 0
    while position < len(text):
        match = _PLAIN.match(text, position) or _QUOTED.match(text, position)
        if match is not None:
            words.append(match[0])
            position = match.end()
        elif text[position] == ";":
            found.append(("".join(words), tuple(comments)))
            words, comments = [], []
            position += 1
        elif text[position] == "(":
            end = _find_comment_end(text, position)
            if end < 0:
                return found
            comments.append(_QUOTED_PAIR.sub(r"\1", text[position + 1 : end - 1]))
            words.append(" ")
            position = end
        else:  # a quoted string without its end, or what may only be inside of one
            return found
    found.append(("".join(words), tuple(comments)))
    return found


def _find_comment_end(text: str, start: int) -> int:
    """Return where the comment that begins at ``start`` ends, -1 if it does not."""
    depth = 0
    for match in _COMMENT_MARK.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return -1


def _parse_result(text: str, comments: tuple[str, ...]) -> MethodResult | None:
    """Return a method's result with its reason and properties; None for what has no method, ``none`` among them."""
    method = _METHOD.match(text)
    if method is None or (method[2] or _SUPPORTED_VERSION) != _SUPPORTED_VERSION:
        return None
    properties: dict[str, str] = {}
    position = method.end()
    while match := _PROPERTY.match(text, position) or _WORD.match(text, position):
        position = match.end()
        if match.re is _PROPERTY:
            properties.setdefault("".join(match[1].split()).lower(), _unquote(match[2]))
    reason = properties.pop("reason", "")
    return MethodResult(method[1].lower(), method[3].lower(), reason, properties, comments)


def _unquote(value: str) -> str:
    """Return a value without the quotes around it, or around a part of it: ``"a b"@example.org``."""
    if '"' not in value:
        return value
    return _QUOTED.sub(lambda match: _QUOTED_PAIR.sub(r"\1", match[0][1:-1]), value)
