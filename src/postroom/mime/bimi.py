"""BIMI (draft-brand-indicators-for-message-identification): whose logo a message may show, and what records say.

A message shows the logo of its author's domain if it passed DMARC under a policy that is enforced. Who it is from is
taken from the one address in its one From field, and must be whom the mail server in front asked DMARC for. Records
are lists of tags (RFC 6376 §3.2); what is not well-formed says nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from postroom.mime.address import parse_addresses
from postroom.mime.authentication_results import AuthenticationResults, fold_domain
from postroom.mime.headers import HeaderField, unfold
from postroom.model.bimi import IndicatorKey

DEFAULT_SELECTOR: Final = "default"
SELECTOR_FIELD: Final = "bimi-selector"
MAX_LOCATION_CHARS = 2000
MAX_RECORD_CHARS = 4096
_MAX_NAME_CHARS = 253
_MAX_TAGS = 50

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?!\d+\Z){_LABEL}")
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LOCATION = re.compile(r"https://[\x21-\x7e]+", re.IGNORECASE)
_POLICIES = frozenset(("none", "quarantine", "reject"))


class Author(NamedTuple):
    """Whose logo a message may show."""

    key: IndicatorKey
    is_enforced: bool
    """The policy is known to be enforced; else that is still to be found out."""


class Assertion(NamedTuple):
    """An assertion record. The location "" says that no logo is to be shown."""

    location: str
    evidence: str


class Policy(NamedTuple):
    """A DMARC record (RFC 7489 §6.3), as far as it matters here."""

    policy: str
    subdomains: str
    """The policy of subdomains; that of the domain, if none is given."""
    percent: int
    public_suffix: str
    """``y``, ``n`` or ``u``: whether the domain is a public suffix."""

    def is_enforced(self, *, for_subdomain: bool = False) -> bool:
        """Tell whether mail that fails DMARC is always kept out of the Inbox."""
        policy = self.subdomains if for_subdomain else self.policy
        return policy == "reject" or (policy == "quarantine" and self.percent == 100)


def find_author(fields: Sequence[HeaderField], results: AuthenticationResults) -> Author | None:
    """Return whose logo a message may show by its header and what was found out of it; None for nobody's."""
    if results.dmarc != "pass" or results.dmarc_policy == "none":
        return None
    domain = _find_domain(fields)
    if domain is None or results.header_from not in {"", domain}:
        return None
    return Author(IndicatorKey(domain, _find_selector(fields)), bool(results.dmarc_policy))


def _find_domain(fields: Iterable[HeaderField]) -> str | None:
    """Return the domain of the one author; None if there are several, or none."""
    values = [field.value for field in fields if field.name.lower() == "from"]
    if len(values) != 1:
        return None
    addresses = parse_addresses(values[0])
    if len(addresses) != 1:
        return None
    domain = fold_domain(addresses[0].address.rpartition("@")[2])
    return domain if len(domain) <= _MAX_NAME_CHARS and _DOMAIN.fullmatch(domain) else None


def _find_selector(fields: Iterable[HeaderField]) -> str:
    """Return the selector that the one BIMI-Selector field names; the default one, if there is no such field."""
    values = [field.value for field in fields if field.name.lower() == SELECTOR_FIELD]
    if len(values) != 1:
        return DEFAULT_SELECTOR
    tags = _parse_tags(unfold(values[0]), version="BIMI1")
    selector = (tags or {}).get("s", "").lower()
    return (
        selector if len(selector) <= _MAX_NAME_CHARS and _SELECTOR.fullmatch(selector) else DEFAULT_SELECTOR
    )


def parse_assertion(text: str) -> Assertion | None:
    """Return what an assertion record says; None for what is none, or has a location that is no HTTPS URL."""
    tags = _parse_tags(text, version="BIMI1")
    if tags is None or "l" not in tags:
        return None
    location = tags["l"]
    if location and (len(location) > MAX_LOCATION_CHARS or not _LOCATION.fullmatch(location)):
        return None
    return Assertion(location, tags.get("a", ""))


def is_assertion(text: str) -> bool:
    """Tell whether a record is meant to be an assertion record, however well-formed it is."""
    return _is_of_version(text, "BIMI1")


def parse_policy(text: str) -> Policy | None:
    """Return what a DMARC record says; None for what is none."""
    tags = _parse_tags(text, version="DMARC1")
    if tags is None:
        return None
    policy = tags.get("p", "").lower()
    if policy not in _POLICIES:
        # RFC 7489 §6.6.3: such a record counts as one that only wants reports.
        policy = "none"
    subdomains = tags.get("sp", "").lower()
    percent = tags.get("pct", "100")
    suffix = tags.get("psd", "u").lower()
    return Policy(
        policy,
        subdomains if subdomains in _POLICIES else policy,
        int(percent) if re.fullmatch(r"\d{1,3}", percent, re.ASCII) else 100,
        suffix if suffix in {"y", "n"} else "u",
    )


def is_policy(text: str) -> bool:
    """Tell whether a record is meant to be a DMARC record."""
    return _is_of_version(text, "DMARC1")


def _is_of_version(text: str, version: str) -> bool:
    return re.match(rf"\s*v\s*=\s*{version}\s*(?:;|\Z)", text) is not None


def _parse_tags(text: str, *, version: str) -> Mapping[str, str] | None:
    """Return the tags of a record that begins with this version; None if it does not, or has a tag twice."""
    if len(text) > MAX_RECORD_CHARS or not _is_of_version(text, version):
        return None
    tags: dict[str, str] = {}
    for part in text.split(";", _MAX_TAGS):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not _TAG_NAME.fullmatch(name) or name in tags:
            return None
        tags[name] = value.strip()
    return tags
