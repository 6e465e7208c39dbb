"""The full-text index of either engine finds the same contents by the same terms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.factories import Owner, make_message

from postroom.search.query import Phrase, Text
from postroom.search.terms import IndexTerms, index_terms, render_tsvector, split_terms
from postroom.store import Store

COLUMNS = ("from_", "to_", "cc", "bcc", "subject", "body", "attachments", "other")


async def find(store: Store, account_id: int, column: str, text: str) -> set[int]:
    """Return the contents with the terms of a text, one behind the other, in a column."""
    async with store.engine.peek() as connection:
        found = await connection.search_text(
            account_id, Text((Phrase(column, tuple(split_terms(text)), False),))
        )
    return set(found.contents)


async def index(store: Store, account_id: int, texts: dict[int, IndexTerms]) -> None:
    async with store.engine.write() as connection:
        for number, fields in texts.items():
            await connection.index(account_id, number, fields)


def fields_of(column: str, text: str) -> IndexTerms:
    return IndexTerms(*(index_terms(text) if name == column else "filler" for name in COLUMNS))


async def test_each_column_is_found_by_itself(store: Store) -> None:
    await index(store, 5, {number: fields_of(column, "Zebra") for number, column in enumerate(COLUMNS, 1)})
    await index(store, 6, {1: fields_of("subject", "Zebra")})
    for number, column in enumerate(COLUMNS, 1):
        assert await find(store, 5, column, "zebra") == {number}
    assert await find(store, 6, "subject", "ZEBRA") == {1}
    assert await find(store, 7, "subject", "zebra") == set()


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Jörg Weiß schrieb", "jorg weiss"),
        ("mail to anna@example.test!", "anna@example.test"),
        ("日本語のメール", "日本語"),
        ("Привет, МИР", "мир"),
        ("x" * 300, "x" * 200),
        ("नमस्ते दुनिया", "नमस्ते"),
        ("it's 'quoted' \\ and : odd", "quoted \\ and"),
        ("a\x00b", "b"),
    ],
)
async def test_texts_are_found(store: Store, text: str, query: str) -> None:
    await index(store, 5, {1: fields_of("body", text), 2: fields_of("body", "something else")})
    assert await find(store, 5, "body", query) == {1}


async def test_order_matters(store: Store) -> None:
    await index(store, 5, {1: fields_of("body", "red green blue"), 2: fields_of("body", "green red blue")})
    assert await find(store, 5, "body", "red green") == {1}
    assert await find(store, 5, "body", "red blue") == {2}
    assert await find(store, 5, "body", "red") == {1, 2}


async def test_unindexed_contents_are_gone(store: Store) -> None:
    await index(store, 5, {1: fields_of("body", "red"), 2: fields_of("body", "red")})
    async with store.engine.write() as connection:
        await connection.unindex(5, 1)
        await connection.unindex(5, 99)
    assert await find(store, 5, "body", "red") == {2}
    async with store.engine.peek() as connection:
        assert await connection.list_indexed(5) == {2}
        assert await connection.list_indexed(4) == await connection.list_indexed(6) == set()


async def test_a_long_body_is_indexed(store: Store) -> None:
    words = " ".join(f"word{number}" for number in range(60_000))
    await index(store, 5, {1: fields_of("body", words + " " + "again " * 20_000)})
    assert await find(store, 5, "body", "word123") == {1}
    assert await find(store, 5, "body", "word999 word1000") == {1}


async def test_phrases_of_long_texts(store: Store) -> None:
    words = [f"w{number}" for number in range(20_000)]
    spaced = list(words)
    spaced[3_550] = "other"
    await index(store, 5, {1: fields_of("body", " ".join(words)), 2: fields_of("body", " ".join(spaced))})
    for start, length, expected in [
        (10_000, 3, {1, 2}),
        (19_990, 10, {1, 2}),
        (17_000, 50, {1, 2}),
        (3_540, 60, {1}),
        (3_560, 60, {1, 2}),
        (3_400, 700, {1}),
        (7_000, 100, {1, 2}),
        (0, 1_900, {1, 2}),
    ]:
        assert await find(store, 5, "body", " ".join(words[start : start + length])) == expected, start
    assert await find(store, 5, "body", "w9000 w9002") == set()
    async with store.engine.write() as connection:
        await connection.unindex(5, 1)
    async with store.engine.peek() as connection:
        assert await connection.list_indexed(5) == {2}
        # The terms of a search may be anywhere in a text, far from each other.
        text = Text((Phrase("body", ("w1",), False), Phrase("body", ("w19999",), True)), ())
        assert (await connection.search_text(5, text)).contents == [2]
        assert (await connection.search_text(5, Text((), (text.wanted,)))) == ([2], True)
        assert (await connection.list_words(5, "w1999", limit=3))[0].contents == 1


@settings(max_examples=60)
@given(text=st.text(max_size=80))
def test_any_text_can_be_rendered(text: str) -> None:
    rendered = render_tsvector(split_terms(text))
    assert "\x00" not in rendered
    rendered.encode()


async def test_a_delivered_mail_is_found(owner: Owner, store: Store) -> None:
    raw = make_message(
        subject="=?utf-8?q?F=C3=BCnf_B=C3=BCcher?=", from_="Jörg <joerg@other.test>", body="Guten Morgen\r\n"
    )
    ref = await owner.add_mail(raw)
    async with store.peek(owner.account_id) as mailbox:
        mail = await mailbox.mails.find(ref.folder, ref.uid)
    assert mail is not None
    for column, text in (
        ("subject", "bucher"),
        ("from_", "jorg"),
        ("to_", "anna@example.test"),
        ("body", "MORGEN"),
    ):
        assert await find(store, owner.account_id, column, text) == {mail.content_id}
