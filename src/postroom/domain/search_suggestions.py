"""Suggestions as somebody types what to search for: words, and people who have written.

Words are terms of the account's part of the full-text index, as they are kept there: without accents, in lower case.
People are those of the From headers of the newest mails that have a word like that there; how many mails each has
written is asked of the index. Both cost by what begins like that, never by the size of other mailboxes.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from postroom.mime.address import Address, parse_addresses
from postroom.model.account import Caller
from postroom.model.mail import Summary
from postroom.search.query import Phrase, Text
from postroom.search.terms import display_term, split_terms
from postroom.store import Store
from postroom.store.tx import Snapshot

MOST_WORDS = 10
MOST_SENDERS = 5
MOST_LETTERS = 100
"""Of a beginning; what is longer is no word."""
_SAMPLE = 300
"""Mails whose From is looked at."""
_FROM = "from_"
_decode_summary = msgspec.msgpack.Decoder(Summary).decode


class Suggestion(NamedTuple):
    """A text to search for, and how many mails have it."""

    text: str
    kind: Literal["word", "sender"]
    mails: int


class SearchSuggestions:
    """Suggestions from a caller's mails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, caller: Caller, beginning: str) -> list[Suggestion]:
        """Return people, then words, that begin like that, the most frequent of each first.

        A single letter begins too many words for any of them to help: nothing is suggested for it.
        Raises: unavailable.
        """
        terms = tuple(split_terms(beginning[:MOST_LETTERS]))
        if not terms or (len(terms[0]) == 1 and terms[0].isascii()):
            return []
        async with self._store.read(caller.account_id) as mailbox:
            senders = await _find_senders(mailbox, terms)
            words = (
                await mailbox.mail_filters.list_words(terms[0], limit=MOST_WORDS) if len(terms) == 1 else []
            )
        return senders + [Suggestion(display_term(word.term), "word", word.contents) for word in words]


async def _find_senders(mailbox: Snapshot, terms: tuple[str, ...]) -> list[Suggestion]:
    asked = Text((Phrase(_FROM, terms, True),))
    contents = (await mailbox.mail_filters.search_text(asked)).contents[-_SAMPLE:]
    names: dict[str, Address] = {}
    counts: Counter[str] = Counter()
    # The newest come last, and the name that somebody used last is shown.
    for summary in await mailbox.mail_filters.list_summaries(contents):
        for sender in parse_addresses(_decode_summary(summary).from_):
            if _has_phrase(split_terms(f"{sender.display} {sender.address}"), terms):
                key = sender.address.lower() or sender.display
                names[key] = sender
                counts[key] += 1
    found: list[Suggestion] = []
    for key, count in counts.most_common(MOST_SENDERS):
        of_sender = await _count(mailbox, key) if len(contents) == _SAMPLE else count
        found.append(Suggestion(_render(names[key]), "sender", of_sender))
    return sorted(found, key=lambda one: (-one.mails, one.text))


async def _count(mailbox: Snapshot, address: str) -> int:
    asked = Text((Phrase(_FROM, tuple(split_terms(address)), False),))
    return len((await mailbox.mail_filters.search_text(asked)).contents)


def _has_phrase(words: Sequence[str], terms: tuple[str, ...]) -> bool:
    """Tell whether ``terms`` follow one another in ``words``, the last as the beginning of one."""
    *whole, last = terms
    return any(
        list(words[start : start + len(whole)]) == whole and words[start + len(whole)].startswith(last)
        for start in range(len(words) - len(whole))
    )


def _render(sender: Address) -> str:
    return f"{sender.display} <{sender.address}>" if sender.display and sender.address else "".join(sender)
