"""What a domain says of its logo: the look-ups in DNS.

The record is that of the author's domain, else that of its organisational domain. Which one that is, is found by
walking up the tree of names for DMARC records (DMARCbis §4.10), so that no list of public suffixes is needed: where
there is no DMARC record at all, there is no policy that could be enforced, and so no logo. The walk is bounded,
however many labels a name has.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from postroom.mime.bimi import Policy, is_assertion, is_policy, parse_assertion, parse_policy
from postroom.model.bimi import IndicatorKey

MAX_STEPS = 8
"""Names that are asked for a DMARC record."""

_Record = TypeVar("_Record")


class NoAnswerError(Exception):
    """The name servers cannot say just now; the message says why."""


class Texts(Protocol):
    """Looks up TXT records."""

    async def find_texts(self, name: str) -> Sequence[str]:
        """Return the TXT records of a name, none if there are none. Raises: NoAnswerError."""


class Found(NamedTuple):
    """What a domain says."""

    location: str
    """Where its logo is; "" if it says nothing, or that none is to be shown."""
    is_enforcing: bool
    """Its policy is enforced."""


async def look_up(texts: Texts, key: IndicatorKey) -> Found:
    """Return what is found at a key. Raises: NoAnswerError."""
    policies = {name: await _find_policy(texts, name) for name in _list_names(key.domain)}
    organisation = _find_organisation(key.domain, policies)
    location = await _find_location(texts, key)
    if location is None and organisation != key.domain:
        location = await _find_location(texts, key._replace(domain=organisation))
    return Found(location or "", _is_enforcing(key.domain, organisation, policies=policies))


def _list_names(domain: str) -> list[str]:
    """Return the names that are asked for a DMARC record: the domain, and those above it, the nearest first."""
    labels = domain.split(".")
    above = [".".join(labels[count:]) for count in range(1, len(labels))]
    return [domain, *above[-(MAX_STEPS - 1) :]]


def _find_organisation(domain: str, policies: Mapping[str, Policy | None]) -> str:
    """Return the organisational domain, given the policies of a domain and those above it, the nearest first."""
    names = list(policies)
    for index, name in enumerate(names):
        policy = policies[name]
        if policy is None:
            continue
        if policy.public_suffix == "n":
            return name
        if policy.public_suffix == "y" and index > 0:
            return _one_below(domain, name)
    highest = [name for name in names if policies[name] is not None]
    return highest[-1] if highest else domain


def _one_below(domain: str, suffix: str) -> str:
    """Return the part of a domain that has one label more than a suffix of it."""
    labels = domain.split(".")
    return ".".join(labels[-(suffix.count(".") + 2) :])


def _is_enforcing(domain: str, organisation: str, *, policies: Mapping[str, Policy | None]) -> bool:
    """Tell whether mail of a domain that fails DMARC is kept out, for all of its organisation."""
    above = policies.get(organisation)
    own = policies.get(domain)
    if above is not None and organisation != domain:
        return above.is_enforced() and (
            own.is_enforced() if own is not None else above.is_enforced(for_subdomain=True)
        )
    return own is not None and own.is_enforced() and own.is_enforced(for_subdomain=True)


async def _find_policy(texts: Texts, domain: str) -> Policy | None:
    """Return the DMARC record of a domain. Raises: NoAnswerError."""
    return await _find_one(texts, f"_dmarc.{domain}", is_one=is_policy, parse=parse_policy)


async def _find_location(texts: Texts, key: IndicatorKey) -> str | None:
    """Return the location that a record names ("" if it names none to be used), None if there is no record.

    Raises: NoAnswerError.
    """
    name = f"{key.selector}._bimi.{key.domain}"
    found = [text for text in await texts.find_texts(name) if is_assertion(text)]
    if not found:
        return None
    # Of several records, and of a broken one, none counts; nor does one above.
    assertion = parse_assertion(found[0]) if len(found) == 1 else None
    return assertion.location if assertion is not None else ""


async def _find_one(
    texts: Texts, name: str, *, is_one: Callable[[str], bool], parse: Callable[[str], _Record | None]
) -> _Record | None:
    """Return the one record of a kind that a name has; None if it has none, or several. Raises: NoAnswerError."""
    found = [text for text in await texts.find_texts(name) if is_one(text)]
    return parse(found[0]) if len(found) == 1 else None
