"""The one splitter of text into search terms, for both database engines.

Purpose: SQLite's FTS5 and PostgreSQL's ``tsvector`` must find the same mails.
They would not if each split text by its own tables, so text is prepared here such that neither has anything left
to decide: :func:`index_terms` returns a string that FTS5 splits into exactly :func:`split_terms`, and
:func:`render_tsvector` writes the same terms down for PostgreSQL. FTS5's tokenizer ``ascii``, the cheapest, does
for that. Its ``unicode61`` yields the same terms from such text, so that it could be used as well.

Algorithm: of ASCII text, letters and digits make the terms, in lower case; words over :data:`MAX_TERM_CHARS` are
cut. Stretches of other text are decomposed (NFKD), freed of accents, case folded
and recomposed (NFC); what is no letter, digit or vowel sign becomes a space. Nearly all characters come to the same
alone as in any company, so that this is done once for each of them and kept in a table; only a stretch with one
that may join the one before it (a vowel sign, a part of a Hangul syllable) is folded as a whole. ``unicode61`` takes
the vowel signs of Indic scripts for separators, which would tear words apart, so they are carried as private-use
characters, which it takes for letters (:func:`display_term` turns them back). Scripts that are written without
spaces, and Hangul, become overlapping pairs of characters; a run of one character stays alone. What comes out is the
terms with one space between them.

In the index each term stands behind the mark of its account (:func:`mark_terms`). So a look-up, also one of all words
with some beginning, meets the terms of one account alone, and costs the same however many others there are.

Invariants: linear in the length of the text; never raises; a term is 1 to 64 characters, has no upper case and
no accent, and holds no character that means anything to an engine's query language. An address needs no rule of
its own: its whole, its local part and its domain are sequences of adjacent terms, found as phrases.
"""

import functools
import re
import sys
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

MAX_TERM_CHARS = 64
"""Longer words are cut to this, in the index and in queries, so that they still find each other."""

_MAX_TSVECTOR_BYTES = 1_000_000
_MAX_TSVECTOR_POSITION = 16_383
_MAX_POSITIONS_PER_LEXEME = 255

# Private-use areas that carry what unicode61 would take for a separator: plane 15 the basic plane, plane 16
# plane 1. Private-use characters of the text itself are dropped, so the two cannot be mixed up.
_CARRIER_BASIC = 0xF0000
_CARRIER_PLANE_1 = 0x100000

# Splits text into ASCII and other stretches by turns; the other ones end before a letter of ASCII.
_NON_ASCII = re.compile(r"([^\x00-\x7f][^A-Za-z]*)")

# Accents and vowel points: marks that readers leave out when they type. Other marks are letters in all but name.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f"
    "\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u1ab0-\u1aff\u1cd0-\u1cff"
    "\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]+"
)

# Thai, Lao, Myanmar, Hangul, Khmer, Han, kana, bopomofo, and the carriers of their vowel signs.
_UNSPACED_RANGES = (
    "\u0e01-\u0e4e\u0e80-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u109f\u1100-\u11ff\u1780-\u17d3\u17d7\u17dc"
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\ua9e0-\ua9fe\uaa60-\uaa7f"
    "\uac00-\ud7ff\uf900-\ufaff"
)
_UNSPACED = re.compile(
    "[" + _UNSPACED_RANGES + "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
    "\U000f0e01-\U000f0ecf\U000f1000-\U000f109f\U000f1780-\U000f17d3\U000f3099\U000f309a"
    "\U000fa9e0-\U000fa9fe\U000faa60-\U000faa7f]+"
)
_FIRST_UNSPACED = re.compile("[\u0e01-\U0010ffff]")

# Letters whose stroke or ligature has no decomposition in Unicode, as people without the key type them.
_LETTERS = {
    "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i", "þ": "th",
}  # fmt: skip

# Letters by category that unicode61 nevertheless takes for separators.
_MISTAKEN_LETTERS = frozenset((*range(0x19B0, 0x19CA), 0x1CF2, 0x1CF3))

# Stands for what may be composed or change places with the character before it: marks, vowels and finals of Hangul.
_JOINER = "\U0010ffff"
_MOST_LEARNT = 1 << 16

_ASCII_TERMS = {code: (chr(code).lower() if chr(code).isalnum() else " ") for code in range(128)}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _carried(code: int) -> str:
    """Return the private-use character that stands for ``code``."""
    return chr(_CARRIER_BASIC + code if code < 0x10000 else _CARRIER_PLANE_1 + code - 0x10000)


def _replacement(code: int) -> str | None:
    """Return what a folded character becomes in the index; None drops it."""
    char = chr(code)
    if code < 0x80:
        return _ASCII_TERMS[code]
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Lu":
        # Cherokee folds to capitals; every other capital has been folded already.
        return char.lower()
    if category[0] in "LN":
        return _carried(code) if code in _MISTAKEN_LETTERS else _LETTERS.get(char, char)
    if category in ("Mn", "Mc") and code < 0x1FFFE:
        return _carried(code)
    # Joiners, soft hyphens and direction marks stand inside words.
    return None if category == "Cf" else " "


class _Table(dict[int, str | None]):
    """A table for ``str.translate`` that learns characters as they come; it forgets all when they are too many."""

    def __init__(self, replace: Callable[[int], str | None]) -> None:
        super().__init__()
        self._replace = replace

    def __missing__(self, code: int) -> str | None:
        if len(self) >= _MOST_LEARNT:
            self.clear()
        replacement = self[code] = self._replace(code)
        return replacement


_FOLDING = _Table(_replacement)
_TWICE = _Table(lambda code: f"{chr(code)} {chr(code)}")


def _pairs(run: re.Match[str]) -> str:
    """Return the overlapping pairs of a run of characters that is written without spaces."""
    text = run.group()
    # "abc" is made "a ab bc c", the ends of which fall away.
    return text.translate(_TWICE)[1:-1] if len(text) > 1 else f" {text} "


def _fold(text: str) -> str:
    """Return a stretch of text, folded and cut into terms that are separated by spaces."""
    folded = text.translate(_ALONE)
    if _JOINER in folded:
        folded = _recompose(_decompose(text))
    return _UNSPACED.sub(_pairs, folded) if _FIRST_UNSPACED.search(folded) else folded


def _decompose(text: str) -> str:
    """Return text decomposed, without accents and case."""
    folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    # Case folding can bring marks back, and recomposing needs what belongs together side by side.
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", folded))


def _recompose(folded: str) -> str:
    return unicodedata.normalize("NFC", folded).translate(_FOLDING)


def _fold_alone(code: int) -> str:
    """Return what a character is folded to; :data:`_JOINER` if that depends on what stands before it."""
    folded = _decompose(chr(code))
    if folded and (unicodedata.category(folded[0])[0] == "M" or "\u1160" <= folded[0] <= "\u11ff"):
        return _JOINER
    return _recompose(folded)


_ALONE = _Table(_fold_alone)
_fold_short = functools.lru_cache(maxsize=8192)(_fold)


def index_terms(text: str) -> str:
    """Return the terms of ``text`` with one space between them, as FTS5 is given them once they are marked.

    The result is for the index alone: it may hold private-use characters, and loses what is no term.
    """
    if not text:
        return ""
    if text.isascii():
        folded = text.translate(_ASCII_TERMS)
    else:
        stretches = _NON_ASCII.split(text)
        stretches[::2] = [plain.translate(_ASCII_TERMS) for plain in stretches[::2]]
        stretches[1::2] = [
            _fold_short(other) if len(other) <= 4 else _fold(other) for other in stretches[1::2]
        ]
        folded = "".join(stretches)
    terms = folded.split()
    if len(folded) > MAX_TERM_CHARS and max(map(len, terms), default=0) > MAX_TERM_CHARS:
        terms = [term[:MAX_TERM_CHARS] for term in terms]
    return " ".join(terms)


@functools.lru_cache(maxsize=1024)
def make_mark(account_id: int) -> str:
    """Return what stands before each term of an account in the index.

    It is the number to the base 36 behind its length, so that no mark is the beginning of another.
    """
    digits = ""
    while account_id:
        account_id, digit = divmod(account_id, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return _DIGITS[len(digits)] + digits


def mark_terms(prepared: str, mark: str) -> str:
    """Return a text that :func:`index_terms` has prepared with ``mark`` before each term."""
    return mark + prepared.replace(" ", f" {mark}") if prepared else ""


class IndexTerms(NamedTuple):
    """The text of one message for the full-text index, by search field, each as :func:`index_terms` returns it."""

    from_: str
    to: str
    cc: str
    bcc: str
    subject: str
    body: str
    attachments: str = ""
    """Names of attachments."""
    other: str = ""
    """Of attached messages and documents."""


def split_terms(text: str) -> list[str]:
    """Return the terms of ``text`` in their order; the index holds these, and queries must look for these.

    >>> split_terms("Jörg.Weiß@Example.com")
    ['jorg', 'weiss', 'example', 'com']
    >>> split_terms("日本語 fun")
    ['日本', '本語', 'fun']
    """
    return split_prepared(index_terms(text))


def split_prepared(prepared: str) -> list[str]:
    """Return the terms of a text that :func:`index_terms` has prepared."""
    return prepared.split(" ") if prepared else []


def display_term(term: str) -> str:
    """Return a term of the index as people write it, with vowel signs instead of their carriers.

    Accents and case stay lost. For suggestions of words.
    """
    if term.isascii():
        return term
    return "".join(map(_uncarried, term))


def _uncarried(char: str) -> str:
    code = ord(char)
    if code >= _CARRIER_PLANE_1:
        return chr(code - _CARRIER_PLANE_1 + 0x10000)
    return chr(code - _CARRIER_BASIC) if code >= _CARRIER_BASIC else char


def render_tsvector(terms: list[str]) -> str:
    """Return the text form of a PostgreSQL ``tsvector`` of ``terms``, to be cast with ``::tsvector``.

    Positions count from 1, so that phrases match as in FTS5. PostgreSQL's own limits are kept by leaving out:
    positions beyond 16,383 are all that one, a lexeme has at most 255 of them, and what goes beyond its megabyte
    is not indexed.
    """
    positions: dict[str, list[int]] = {}
    size_bytes = 0
    for position, term in enumerate(terms, start=1):
        known = positions.get(term)
        if known is None:
            size_bytes += len(term.encode()) + 4
            known = positions[sys.intern(term)] = []
        if len(known) < _MAX_POSITIONS_PER_LEXEME and (not known or known[-1] < _MAX_TSVECTOR_POSITION):
            size_bytes += 2
            known.append(min(position, _MAX_TSVECTOR_POSITION))
        if size_bytes > _MAX_TSVECTOR_BYTES:
            break
    return " ".join(f"'{term}':{','.join(map(str, found))}" for term, found in positions.items())
