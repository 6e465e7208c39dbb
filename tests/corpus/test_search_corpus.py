"""Searches in the corpus of awkward messages: both engines find the same, and what a plain look at terms finds."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom.content.digest import read_summary
from postroom.mime.index_text import IndexFields, index_fields
from postroom.mime.parse import parse_message
from postroom.search.query import COLUMNS, Phrase, Text
from postroom.search.terms import split_terms
from tests.corpus.awkward import corpus_files
from tests.fixtures.factories import Owner, open_owner

FILES = corpus_files()
SEARCHES = 400

pytestmark = pytest.mark.skipif(not FILES, reason="the corpus is not here")


@pytest.fixture
async def on_sqlite(tmp_path: Path) -> AsyncIterator[Owner]:
    """The same account in a store on SQLite."""
    owner = await open_owner(tmp_path)
    yield owner
    await owner.store.close()


def read_terms(raw: bytes) -> dict[str, list[str]]:
    """Return the terms of a message by column, of all together under ""."""
    root = parse_message(raw)
    fields = index_fields(raw, root, read_summary(raw, root)[1])
    return {column: split_terms(text) for column, text in zip(IndexFields._fields, fields, strict=True)}


def has_phrase(terms: list[str], phrase: Phrase) -> bool:
    *whole, last = phrase.terms
    for start in range(len(terms) - len(whole)):
        end = terms[start + len(whole)]
        if terms[start : start + len(whole)] == whole and (
            end.startswith(last) if phrase.is_beginning else end == last
        ):
            return True
    return False


def ask(chance: random.Random, letters: list[dict[str, list[str]]]) -> Phrase:
    """Return a phrase that some message has."""
    while True:
        letter = chance.choice(letters)
        column = chance.choice([*COLUMNS, "body", "body"])
        terms = letter[column.rstrip("_") if column == "to_" else column]
        if terms:
            start = chance.randrange(len(terms))
            words = terms[start : start + chance.choice((1, 1, 1, 2, 3, 6))]
            is_beginning = chance.random() < 0.4
            if is_beginning:
                words = [*words[:-1], words[-1][: chance.randint(1, len(words[-1]))]]
            return Phrase(chance.choice((column, "")), tuple(words), is_beginning)


async def find(owner: Owner, text: Text) -> tuple[set[int], bool]:
    async with owner.store.read(owner.account_id) as mailbox:
        found = await mailbox.mail_filters.search_text(text)
    return set(found.contents), found.are_excluded


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
async def test_both_engines_find_what_is_there(owner: Owner, on_sqlite: Owner) -> None:
    chance = random.Random(5)  # noqa: S311
    letters: dict[int, dict[str, list[str]]] = {}
    for file in FILES.values():
        raw = file.read_bytes()
        for one in (owner, on_sqlite):
            ref = await one.add_mail(raw)
        async with owner.store.read(owner.account_id) as mailbox:
            mail = await mailbox.mails.find(ref.folder, ref.uid)
        assert mail is not None
        letters[mail.content_id] = read_terms(raw)
    known = list(letters.values())
    for _ in range(SEARCHES):
        wanted = tuple({ask(chance, known) for _ in range(chance.choice((1, 1, 2)))})
        unwanted = ((ask(chance, known),),) if chance.random() < 0.2 else ()
        text = Text(wanted, unwanted)
        expected = {
            number
            for number, terms in letters.items()
            if all(matches(terms, phrase) for phrase in wanted)
            and not any(all(matches(terms, phrase) for phrase in group) for group in unwanted)
        }
        assert await find(owner, text) == await find(on_sqlite, text) == (expected, False), text
    only_unwanted = Text((), ((ask(chance, known),), (ask(chance, known), ask(chance, known))))
    assert await find(owner, only_unwanted) == await find(on_sqlite, only_unwanted)


def matches(terms: dict[str, list[str]], phrase: Phrase) -> bool:
    columns = [phrase.column] if phrase.column else COLUMNS
    return any(has_phrase(terms["to" if one == "to_" else one], phrase) for one in columns)
