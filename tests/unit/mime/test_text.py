"""Quoted parts, signatures, snippets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mime.text import make_snippet, quoted_parts

BROKEN_LINE = "On Mon, 1 Jan 2026 at 10:00, Ann Lee\n<a@b.c> wrote:\n\n> hi"
OUTLOOK = "________________________________\nVon: Ann\nGesendet: Montag\n\nold"
JAPANESE = "2026年1月1日(木) 10:00 Ann <a@b.c>さんは書きました:\n> hi"


def _quoted(text: str) -> list[str]:
    return [text[start:end] for start, end in quoted_parts(text)]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("nothing quoted", []),
        ("", []),
        ("> all\n> of it", ["> all\n> of it"]),
        ("answer\n> question\n>> older\n>\n> more\nend", ["> question\n>> older\n>\n> more"]),
        ("a\n> b\n\n> c\nd\n> e", ["> b\n\n> c", "> e"]),
        ("a\r\n> b\r\nc\r\n", ["> b\r"]),
        (
            "x\n\nOn Mon, 1 Jan 2026, Ann <a@b.c> wrote:\n> hi\nbye",
            ["On Mon, 1 Jan 2026, Ann <a@b.c> wrote:\n> hi"],
        ),
        (f"x\n{BROKEN_LINE}", [BROKEN_LINE]),
        ("x\nAm 01.01.2026 um 10:00 schrieb Ann:\n> hi", ["Am 01.01.2026 um 10:00 schrieb Ann:\n> hi"]),
        ("x\nLe 1 janv. 2026 à 10:00, Ann a écrit :\n> hi", ["Le 1 janv. 2026 à 10:00, Ann a écrit :\n> hi"]),
        (f"x\n{JAPANESE}", [JAPANESE]),
        (
            "x\nOn Mon, 1 Jan 2026, Ann wrote:\n\nunmarked text\n",
            ["On Mon, 1 Jan 2026, Ann wrote:\n\nunmarked text\n"],
        ),
        ("Do this:\n> command", ["> command"]),
        ("She wrote:\nI will come.", []),
        ("Full：\nAm 01.01.2026 schrieb Ann:\nx", ["Am 01.01.2026 schrieb Ann:\nx"]),
        ("x\n-----Original Message-----\nFrom: a\n\nold", ["-----Original Message-----\nFrom: a\n\nold"]),
        ("x\n-----Ursprüngliche Nachricht-----\nold", ["-----Ursprüngliche Nachricht-----\nold"]),
        ("x\n---------- Forwarded message ---------\nold", ["---------- Forwarded message ---------\nold"]),
        ("x\n-------- Message d'origine --------\nold", ["-------- Message d'origine --------\nold"]),
        (
            "x\nFrom: Ann\nSent: Monday\nTo: Bob\nSubject: s\n\nold",
            ["From: Ann\nSent: Monday\nTo: Bob\nSubject: s\n\nold"],
        ),
        (f"x\n{OUTLOOK}", [OUTLOOK]),
        ("x\n*De :* Ann\n*Envoyé :* lundi\n\nold", ["*De :* Ann\n*Envoyé :* lundi\n\nold"]),
        ("From: the beginning\nuntil the end", []),
        ("a line\n------\nanother", []),
    ],
)
def test_quoted_parts(text: str, quoted: list[str]) -> None:
    assert _quoted(text) == quoted


@given(
    st.lists(
        st.sampled_from(
            [
                "> q\n",
                "text\n",
                "\n",
                "On 1 Jan Ann wrote:\n",
                "-----Original Message-----\n",
                "From: a\n",
                "Sent: b\n",
                "____________\n",
                "-- \n",
                " >\r\n",
                ":\n",
                "wrote: 1:",
            ]
        ),
        max_size=12,
    )
)
def test_quoted_parts_are_ordered_and_inside(lines: list[str]) -> None:
    text = "".join(lines)
    position = 0
    for start, end in quoted_parts(text):
        assert position <= start < end <= len(text)
        assert start == 0 or text[start - 1] == "\n"
        position = end


@pytest.mark.parametrize(
    ("text", "snippet"),
    [
        ("", ""),
        ("  one\r\n\ttwo \n\n three ", "one two three"),
        ("answer\n\nOn Mon, 1 Jan 2026, Ann wrote:\n> question\n", "answer"),
        ("a\n> q\nb\n> q\nc\n-- \nsignature", "a b c"),
        ("answer\n-- \nAnn\n\n> question", "answer"),
        ("> only\n> quotes", "only quotes"),
        ("-- \nonly a signature", "-- only a signature"),
        ("pre\u200b\u034f\u00adheader\u00a0\u200c\u00a0\u200c end", "preheader end"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\x00b\x07c", "a b c"),
        ("a\u2800\u034fb \u2800", "a b"),
        ("x" * 256 + " " * 400 + "y", "x" * 256),
        (" " * 600 + "\u200cx" * 300, ("\u200cx" * 300)[1:257]),
    ],
)
def test_snippet(text: str, snippet: str) -> None:
    assert make_snippet(text) == snippet


def test_snippet_length() -> None:
    assert make_snippet("word " * 1000) == ("word " * 52)[:256].rstrip()
    assert make_snippet("x" * 300) == "x" * 256
    assert make_snippet(" " * 3000 + "late") == "late"
    assert make_snippet("abc def", max_chars=5) == "abc d"


@given(st.text(max_size=600))
def test_snippet_is_one_short_line(text: str) -> None:
    snippet = make_snippet(text)
    assert len(snippet) <= 256
    assert snippet == snippet.strip()
    assert "\n" not in snippet
