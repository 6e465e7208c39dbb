"""Cut HTML is short enough, well nested, and a beginning of the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.sanitise.cut import cut_html
from postroom.sanitise.html import make_safe


def safe(html: str) -> str:
    return make_safe(html, level=0, show_external_images=True, rewrite_cid=lambda _: None).html


def test_what_fits_is_left_alone() -> None:
    assert cut_html("<p>x</p>", 8) == ("<p>x</p>", False)


@pytest.mark.parametrize(
    ("max_chars", "expected"),
    [
        (25, "<div><p>one</p></div>"),
        (21, "<div><p>one</p></div>"),
        (20, "<div><p></p></div>"),
        (17, "<div></div>"),
        (11, "<div></div>"),
        (10, ""),
        (0, ""),
    ],
)
def test_the_cut_is_at_a_tag_and_closes_what_is_open(max_chars: int, expected: str) -> None:
    html = "<div><p>one</p><p>two</p></div>"
    assert cut_html(html, max_chars) == (expected, True)


def test_long_texts_are_cut_between_words() -> None:
    html, was_cut = cut_html(f"<p>{'word ' * 5000}</p>", 10_000)
    assert was_cut
    assert 9_900 < len(html) <= 10_000
    assert html.endswith("word</p>")


def test_entities_are_not_cut() -> None:
    for max_chars in range(6000, 6012):
        html, _ = cut_html("&amp;" * 5000, max_chars)
        assert html == "&amp;" * (len(html) // 5)


def test_attributes_and_style_sheets_hold_no_boundaries() -> None:
    html = safe("<style>p > b{color:red}</style><p title='<b>'>x</p>" + "<p>y</p>" * 10)
    for max_chars in range(len(html)):
        cut, was_cut = cut_html(html, max_chars)
        assert was_cut
        assert safe(cut) == cut or cut == '<div class="mail-body"></div>' or "<style></style>" in cut


ELEMENTS = st.recursive(
    st.sampled_from(["text", "a &amp; b", "<br>", '<img alt="x">', "long " * 1000]),
    lambda inner: (
        st.builds("<{0}>{1}</{0}>".format, st.sampled_from(["div", "ul", "blockquote"]), inner)
        | st.lists(inner, max_size=4).map("".join)
    ),
    max_leaves=12,
)


@given(ELEMENTS, st.integers(0, 300))
def test_any_cut_is_short_and_well_nested(html: str, max_chars: int) -> None:
    cut, was_cut = cut_html(html, max_chars)
    assert was_cut == (len(html) > max_chars)
    assert len(cut) <= max(max_chars, 0)
    assert cut.count("<div") == cut.count("</div")
    assert cut.count("<ul") == cut.count("</ul")
    assert safe(cut) == cut


@given(st.text(alphabet="<>/ab\"'=! -&;", max_size=100), st.integers(0, 100))
def test_any_text_is_cut(html: str, max_chars: int) -> None:
    cut, _ = cut_html(html, max_chars)
    assert len(cut) <= max_chars or cut == html
