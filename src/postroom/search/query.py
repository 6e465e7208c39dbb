"""What a search asks for: a neutral query that each engine renders in its own way, and the parser that makes it.

A search is a list of criteria, all of which must hold. Whatever they are, they come down to few things:

- phrases that must be found: words that follow one another in a field, the last of which may be a beginning;
- groups of phrases that must not be found together (a criterion of several words that is negated);
- a range of dates and one of sizes, since every such criterion, negated or not, is a bound;
- for each property with few values (unread, importance, …) the values that it may have, as bits;
- labels that a mail must have and such that it must not.

So equal searches have equal queries, however they were written, and :func:`fingerprint` tells them apart.

Text values: a bare word is the beginning of a word, ``"two words"`` are exactly these, ``"two wor"*`` ends in a
beginning. Words are split like the text itself (:mod:`postroom.search.terms`), so an address, or a run of characters
that are written without spaces, becomes a phrase, and no character means anything to an engine.

Invariants: pure; linear in what is given; raises nothing but badParameter (and what ``read_label`` raises).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import msgspec

from postroom.errors import PostroomError, bad_parameter
from postroom.search.terms import split_terms

MAX_CRITERIA = 1000
MAX_TERMS = 2000
"""Different words of all criteria together."""
END = 2**63 - 1
"""Above every date and every size."""

ANY_FIELD = ""
TEXT_FIELDS = {
    "from": "from_",
    "to": "to_",
    "cc": "cc",
    "bcc": "bcc",
    "subject": "subject",
    "body": "body",
    "attachment": "attachments",
    "anyfield": ANY_FIELD,
}
"""The column of the index for each field of text."""
COLUMNS = ("from_", "to_", "cc", "bcc", "subject", "body", "attachments", "other")
"""All columns of the index; a search in any field looks into each."""

_DATE = re.compile(r"([0-9]{1,2})[-/]([0-9]{1,2})[-/]([0-9]{4})")
_SIZE = re.compile(r"([0-9]{1,18})([KMG]?)", re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_WORD = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')
_NOTHING_ASKED = re.compile(r'[\s"*]*')
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}

_SECONDS_OF_DAY = 86_400
_REPLIED, _FORWARDED, _BOTH = 0b1010, 0b1100, 0b1000
"""Of the values 0 (neither) to 3 (both) of ``refw``, as bits."""
_IMPORTANCE = {"low": 0b001, "normal": 0b010, "high": 0b100}
_FALSE, _TRUE = 0b01, 0b10

Value = str | int | float | bool | None


class Criterion(NamedTuple):
    """One criterion as it was given."""

    field: str
    value: Value = None
    negate: bool | str = False


class Phrase(NamedTuple):
    """Words that follow one another in a field; with ``is_beginning`` the last is only how a word begins."""

    column: str
    terms: tuple[str, ...]
    is_beginning: bool


class Text(NamedTuple):
    """What is asked of the full-text index."""

    wanted: tuple[Phrase, ...] = ()
    """All of these must be found."""
    unwanted: tuple[tuple[Phrase, ...], ...] = ()
    """Of none of these all may be found."""


class Bounds(NamedTuple):
    """Numbers from the first on and below the second."""

    low: int
    end: int


class Masks(NamedTuple):
    """The values that properties with few values may have: bit n stands for the value n."""

    unread: int = 0b11
    flagged: int = 0b11
    attachments: int = 0b11
    importance: int = 0b111
    refw: int = 0b1111


class Query(NamedTuple):
    """What a search asks for."""

    text: Text = Text()
    dates: Bounds = Bounds(-END, END)
    sizes: Bounds = Bounds(0, END)
    masks: Masks = Masks()
    labels: tuple[int, ...] = ()
    unwanted_labels: tuple[int, ...] = ()
    is_impossible: bool = False
    """Nothing can match."""


def fingerprint(query: Query, *facts: object) -> bytes:
    """Return 16 bytes that stand for a query and for other ``facts``."""
    return hashlib.blake2b(msgspec.msgpack.encode((query, facts)), digest_size=16).digest()


def parse_query(criteria: Sequence[Criterion], read_label: Callable[[str], int]) -> Query:
    """Return the query of ``criteria``, all of which must hold; without any it matches everything.

    Args:
        criteria: what was given.
        read_label: returns the number of a label; raises badParameter or notFound.

    Raises: badParameter naming ``query``.
    """
    if len(criteria) > MAX_CRITERIA:
        raise bad_parameter("query", f"query has more than {MAX_CRITERIA} criteria")
    collected = _Collected(read_label)
    for number, criterion in enumerate(criteria):
        collected.add(criterion, f"query[{number}]")
    return collected.query()


def parse_text(column: str, value: str) -> tuple[Phrase, ...] | None:
    """Return the phrases that a text asks for in a column; None if there is none that could be found.

    >>> parse_text("subject", 'joh "two wor"*')
    (Phrase(column='subject', terms=('joh',), is_beginning=True), \
Phrase(column='subject', terms=('two', 'wor'), is_beginning=True))
    """
    phrases: dict[Phrase, None] = {}
    for match in _WORD.finditer(value):
        quoted, star, bare = match.groups()
        terms = tuple(split_terms(quoted or bare or ""))
        if terms:
            phrases[Phrase(column, terms, bare is not None or star == "*")] = None
    if phrases or _NOTHING_ASKED.fullmatch(value):
        return tuple(sorted(phrases))
    return None


class _Collected:
    """The criteria of a query, being gathered."""

    def __init__(self, read_label: Callable[[str], int]) -> None:
        self._read_label = read_label
        self._wanted: set[Phrase] = set()
        self._unwanted: set[tuple[Phrase, ...]] = set()
        self._dates = Bounds(-END, END)
        self._sizes = Bounds(0, END)
        self._masks = Masks()
        self._labels: set[int] = set()
        self._unwanted_labels: set[int] = set()
        self._is_impossible = False

    def add(self, criterion: Criterion, place: str) -> None:
        field, value = criterion.field, criterion.value
        negate = _read_truth(criterion.negate, f"{place}.negate")
        place = f"{place}.value"
        if field in TEXT_FIELDS:
            self._add_text(TEXT_FIELDS[field], _read_text(value, place), negate=negate)
        elif field in ("before", "after"):
            self._add_date(field, _read_date(value, place), negate=negate)
        elif field in ("smaller", "larger"):
            self._add_size(field, _read_size(value, place), negate=negate)
        elif field == "label":
            label = self._read_label(_read_text(value, place))
            (self._unwanted_labels if negate else self._labels).add(label)
        elif field in _MASKS:
            self._mask(*_MASKS[field](value, place), negate=negate)
        else:
            raise bad_parameter("query", f"{place.removesuffix('.value')}.field is not known")

    def _add_text(self, column: str, value: str, *, negate: bool) -> None:
        phrases = parse_text(column, value)
        if phrases is None:
            self._is_impossible |= not negate
            return
        if not negate:
            self._wanted.update(phrases)
        elif phrases:
            self._unwanted.add(phrases)
        else:
            self._is_impossible = True

    def _add_date(self, field: str, day: int, *, negate: bool) -> None:
        # Both are exclusive: a day is neither before nor after itself.
        bound = day if field == "before" else day + _SECONDS_OF_DAY
        self._dates = _narrow(self._dates, bound, is_end=(field == "before") != negate)

    def _add_size(self, field: str, size: int, *, negate: bool) -> None:
        bound = size if field == "smaller" else size + 1
        self._sizes = _narrow(self._sizes, bound, is_end=(field == "smaller") != negate)

    def _mask(self, name: str, mask: int, *, negate: bool) -> None:
        allowed = getattr(self._masks, name) & (~mask if negate else mask)
        self._masks = self._masks._replace(**{name: allowed})

    def query(self) -> Query:
        """Return what was gathered."""
        groups = [self._wanted, *self._unwanted]
        if sum(len(phrase.terms) for group in groups for phrase in group) > MAX_TERMS:
            raise bad_parameter("query", f"query has more than {MAX_TERMS} different words")
        if (
            self._is_impossible
            or self._dates.low >= self._dates.end
            or self._sizes.low >= self._sizes.end
            or 0 in self._masks
            or not self._labels.isdisjoint(self._unwanted_labels)
            or any(self._wanted.issuperset(group) for group in self._unwanted)
        ):
            return Query(
                labels=tuple(sorted(self._labels)),
                unwanted_labels=tuple(sorted(self._unwanted_labels)),
                is_impossible=True,
            )
        return Query(
            Text(tuple(sorted(self._wanted)), tuple(sorted(self._unwanted))),
            self._dates,
            self._sizes,
            self._masks,
            tuple(sorted(self._labels)),
            tuple(sorted(self._unwanted_labels)),
        )


def _narrow(bounds: Bounds, bound: int, *, is_end: bool) -> Bounds:
    bound = max(-END, min(bound, END))
    return (
        Bounds(bounds.low, min(bounds.end, bound)) if is_end else Bounds(max(bounds.low, bound), bounds.end)
    )


def _refuse(place: str, wanted: str) -> PostroomError:
    return bad_parameter("query", f"{place} must be {wanted}")


def _read_truth(value: object, place: str) -> bool:
    found = (
        value if isinstance(value, bool) else _TRUTHS.get(value.lower()) if isinstance(value, str) else None
    )
    if found is None:
        raise _refuse(place, "true or false")
    return found


def _read_text(value: Value, place: str) -> str:
    if not isinstance(value, str):
        raise _refuse(place, "a string")
    return value


def _read_date(value: Value, place: str) -> int:
    """Return the first second of a day, UTC."""
    match = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None:
        try:
            day = date(int(match[3]), int(match[2]), int(match[1]))
        except ValueError:
            pass
        else:
            return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
    raise _refuse(place, "a date dd-mm-yyyy")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _read_size(value: Value, place: str) -> int:
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        return int(match[1]) * _UNITS[match[2].upper()]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _refuse(place, "a number of bytes")
    return value


def _is_false(value: Value) -> bool:
    """Tell whether a value that is not needed turns its criterion round."""
    return value is False or (isinstance(value, str) and value.strip().lower() == "false")


Masked = Callable[[Value, str], tuple[str, int]]


def _truth_mask(name: str, mask: int, every: int) -> Masked:
    return lambda value, _: (name, every & ~mask if _is_false(value) else mask)


def _choice_mask(name: str, choices: dict[str, int]) -> Masked:
    def read(value: Value, place: str) -> tuple[str, int]:
        found = choices.get(value) if isinstance(value, str) else None
        if found is None:
            raise _refuse(place, " or ".join(choices))
        return name, found

    return read


_MASKS: dict[str, Masked] = {
    "unread": _truth_mask("unread", _TRUE, 0b11),
    "hasatt": _truth_mask("attachments", _TRUE, 0b11),
    "replied": _truth_mask("refw", _REPLIED, 0b1111),
    "forwarded": _truth_mask("refw", _FORWARDED, 0b1111),
    "refw": _truth_mask("refw", _BOTH, 0b1111),
    # Mails are flagged for a follow-up or not at all: nothing is ever marked as completed.
    "flag": _choice_mask("flagged", {"followup": _TRUE, "completed": 0}),
    "importance": _choice_mask("importance", _IMPORTANCE),
}
FIELDS: Iterable[str] = (*TEXT_FIELDS, "before", "after", "smaller", "larger", "label", *_MASKS)
"""All fields of criteria."""
