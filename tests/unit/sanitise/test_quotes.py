"""Quoted parts are found in what mail clients write, at every level at which their marks survive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sanitise.vectors import VECTORS

from postroom.sanitise.html import make_safe
from postroom.sanitise.quotes import quoted_parts_html
from postroom.sanitise.text import html_to_text, text_to_html


def safe(html: str, level: int) -> str:
    return make_safe(html, level=level, show_external_images=True, rewrite_cid=lambda _: None).html


def quoted_texts(html: str, level: int = 1) -> list[str]:
    result = safe(html, level)
    return [html_to_text(result[start:end]).replace("> ", "") for start, end in quoted_parts_html(result)]


GMAIL = (
    '<div dir="ltr">Answer</div><br><div class="gmail_quote">'
    '<div dir="ltr" class="gmail_attr">On Mon, A wrote:<br></div>'
    '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">Old</blockquote></div><p>Below</p>'
)
APPLE = (
    '<div>Answer<blockquote type="cite"><div>On 1 May, A wrote:</div></blockquote>'
    '<blockquote type="cite">Old</blockquote></div>Below'
)
THUNDERBIRD = (
    '<p>Answer</p><div class="moz-cite-prefix">Am 1.5. schrieb A:<br></div> '
    '<blockquote type="cite" cite="mid:x">Old</blockquote>Below'
)
OUTLOOK = (
    '<div class="WordSection1"><p>Answer</p><div>'
    '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0 0 0">'
    "<p><b>From:</b> A</p></div></div><p>Old</p></div>"
)
OUTLOOK_WEB = (
    '<div>Answer</div><div id="appendonsend"></div><hr>'
    '<div id="divRplyFwdMsg" dir="ltr"><b>From:</b> A</div><div>Old</div>'
)
PROTON = (
    'Answer<div class="protonmail_quote">On Mon A wrote:'
    '<blockquote class="protonmail_quote" type="cite">Old</blockquote></div>'
)
YAHOO = '<div>Answer</div><div id="ydp1yahoo_quoted" class="yahoo_quoted"><div>Old</div></div>Below'


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "html", [GMAIL, APPLE, THUNDERBIRD, YAHOO, PROTON], ids=["gm", "apple", "tb", "yahoo", "proton"]
)
def test_containers_are_found_at_every_level(html: str, level: int) -> None:
    (quoted,) = quoted_texts(html, level)
    assert "Old" in quoted
    assert "Answer" not in quoted
    assert "Below" not in quoted


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("html", [OUTLOOK, OUTLOOK_WEB], ids=["word", "web"])
def test_what_outlook_begins_runs_to_the_end(html: str, level: int) -> None:
    (quoted,) = quoted_texts(html, level)
    assert "From: A" in quoted
    assert "Old" in quoted
    assert "Answer" not in quoted


def test_ranges_hold_whole_elements() -> None:
    for html in (GMAIL, APPLE, THUNDERBIRD, OUTLOOK, OUTLOOK_WEB, YAHOO, PROTON):
        result = safe(html, 1)
        for start, end in quoted_parts_html(result):
            assert result[start] == "<"
            assert safe(result[start:end], 1) == result[start:end]
            assert safe(result[:start] + result[end:], 1) == result[:start] + result[end:]


def test_answers_between_quotes_stay_outside() -> None:
    html = "".join(f'<blockquote type="cite">q{i}</blockquote>a{i}' for i in range(3))
    assert quoted_texts(html) == ["q0", "q1", "q2"]


def test_nested_quotes_are_one() -> None:
    assert (
        len(quoted_texts('<blockquote type="cite">a<blockquote type="cite">b</blockquote>c</blockquote>d'))
        == 1
    )


def test_indented_text_is_no_quote() -> None:
    assert (
        quoted_texts("<blockquote style='margin-left:40px'>indented</blockquote><p class='quote'>x</p>") == []
    )
    assert quoted_parts_html("<p>gmail_quote</p>") == []


def test_html_from_text_has_its_quotes() -> None:
    html = text_to_html("answer\n> old\n> mail\nend")
    ((start, end),) = quoted_parts_html(html)
    assert html_to_text(html[start:end]) == "> old\n> mail"


@given(
    st.lists(st.sampled_from([GMAIL, OUTLOOK, YAHOO, "</div>", "<div>", *VECTORS["mutation"]]), max_size=6)
)
def test_ranges_are_in_order_and_apart(parts: list[str]) -> None:
    html = safe("".join(parts), 1)
    position = 0
    for start, end in quoted_parts_html(html):
        assert position <= start < end <= len(html)
        position = end
