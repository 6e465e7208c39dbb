"""Sanitised HTML is harmless at every level, keeps what the level promises, and stays as it is when cleaned again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.sanitise.safety import dangers
from tests.unit.sanitise.vectors import VECTORS

from postroom.sanitise.html import SafeHTML, make_safe

LEVELS = (0, 1, 2, 3)
ALL_VECTORS = [vector for vectors in VECTORS.values() for vector in vectors]


def cid(content_id: str) -> str | None:
    return "https://attachments.example/0" if content_id == "known@x" else None


def safe(html: str, level: int = 1, *, external: bool = True) -> str:
    return clean(html, level, external=external).html


def clean(html: str, level: int = 1, *, external: bool = True) -> SafeHTML:
    return make_safe(html, level=level, show_external_images=external, rewrite_cid=cid)


def embedded(content_id: str) -> str | None:
    """An address that stays the same when the result is cleaned again."""
    return "data:image/png;base64,AAAA" if content_id == "known@x" else None


def assert_harmless(html: str, *, stable: bool = True) -> None:
    for level in LEVELS:
        for external in (False, True):
            once = make_safe(html, level=level, show_external_images=external, rewrite_cid=embedded).html
            assert dangers(once, external_shown=external) == [], (level, html, once)
            again = make_safe(once, level=level, show_external_images=external, rewrite_cid=embedded).html
            assert dangers(again, external_shown=external) == [], (level, html, again)
            assert again == once or not stable, (level, html)


def test_there_are_enough_vectors() -> None:
    assert len(set(ALL_VECTORS)) >= 200


@pytest.mark.parametrize("kind", VECTORS)
def test_vectors_are_harmless_at_every_level(kind: str) -> None:
    for vector in VECTORS[kind]:
        assert_harmless(vector)


@pytest.mark.parametrize(
    "frame", ["<table><tr><td>{}</td></tr></table>", '<p title="x">a<b>{}', "<!-- -->{}<style>"]
)
def test_vectors_are_harmless_inside_other_markup(frame: str) -> None:
    for vector in ALL_VECTORS:
        assert_harmless(frame.format(vector))


def test_the_judge_sees_what_is_dangerous() -> None:
    # A judge that finds nothing anywhere would make every test above pass.
    for html in [
        "<script>1</script>", "<p onclick=x>", "<a href=javascript:1 target=_blank>", "<img src=https://x.example>",
        "<img src=/x>", "<p style='position: fixed'>", "<p style='background:url(x)'>", "<style>p{color:red}</style>",
        "<style>.mail-body p{background:url(x)}</style>", "<style>@import 'x';</style>", "<p id=x>", "<svg></svg>",
        "<a href=https://x.example>", "<img src=data:image/svg+xml,x>", "<style>.mail-body + p{color:red}</style>",
        "<iframe></iframe>", "<form></form>", "<p style='color:u\\72l(x)'>", "<img data-external-src=//x>",
    ]:  # fmt: skip
        assert dangers(html, external_shown=False), html


# HTML has trees that cannot be written down (a heading right in a heading), so what is nested as no author would
# nest it may change when it is read again. It has to stay harmless, and everything else has to stay as it is.
FRAGMENTS = st.sampled_from(
    [*ALL_VECTORS, *"<>\"'=&;-!/ \n", "</p>", "</div>", "</table>", "<table>", "<tr>", "<td>", "<p>", "<b>", "<i>",
     "</b>", "<div class=mail-body>", "<style>", "</style>", "<svg>", "<math>", "text", "<a href='https://x.example'>",
     "<font color=red>", "<ul><li>", "<select>", "<body style='color:red' bgcolor=blue>", "&lt;", "&#0;", "\xa0"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS, max_size=8).map("".join))
def test_any_mixture_of_vectors_is_harmless(html: str) -> None:
    assert_harmless(html, stable=False)


def _element(name: str, attributes: str, content: list[str]) -> str:
    return f"<{name}{attributes}>{''.join(content)}</{name}>"


ATTRIBUTES = st.sampled_from(
    [
        "",
        ' class="x gmail_quote"',
        ' style="color:red;float:left;background:url(x)"',
        ' id="i" title="<&>"',
        ' dir="rtl"',
    ]
)
INLINE = st.recursive(
    st.sampled_from(
        ["text ", "&lt;p&gt; &amp; ", "a\xa0b", '<img src="https://x.example/i" alt="">', "<br>", "&#13;"]
    ),
    lambda inner: st.builds(
        _element, st.sampled_from(["b", "i", "span", "font", "u"]), ATTRIBUTES, st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)
BLOCKS = st.recursive(
    st.builds(_element, st.sampled_from(["p", "h1", "pre"]), ATTRIBUTES, st.lists(INLINE, max_size=3)),
    lambda inner: st.one_of(
        st.builds(
            _element,
            st.sampled_from(["div", "blockquote", "center"]),
            ATTRIBUTES,
            st.lists(inner, max_size=3),
        ),
        st.builds("<ul><li>{}</li><li>{}</li></ul>".format, inner, inner),
        st.builds("<table bgcolor=red><tr><td>{}</td><td>{}</td></tr></table>".format, inner, inner),
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(BLOCKS, max_size=4).map("".join))
def test_well_nested_markup_is_harmless_and_stable(html: str) -> None:
    assert_harmless(html)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_harmless_and_stable(html: str) -> None:
    assert_harmless(html)


class TestImages:
    def test_external_images_are_shown_if_asked(self) -> None:
        result = clean('<img src="https://x.example/a.png?b=1&amp;c=2" alt="A">')
        assert result == SafeHTML('<img src="https://x.example/a.png?b=1&amp;c=2" alt="A">', True)

    def test_external_images_are_neutralised_and_reported(self) -> None:
        result = clean('<p>a<img alt="A" width="1" src="http://x.example/a.png"></p>', external=False)
        assert result.has_external_images
        assert result.html == '<p>a<img data-external-src="http://x.example/a.png" alt="A" width="1"></p>'

    @pytest.mark.parametrize(
        "html",
        [
            "<img srcset='https://x.example/a.png 2x'>", "<td background='https://x.example/a.png'>x",
            "<img src=//x.example>",
            "<table background=http://x.example/><tr><td>y</table>", "<input type=image src=https://x.example/a.png>",
        ],
    )  # fmt: skip
    def test_other_sources_are_reported_too(self, html: str) -> None:
        wrapped = f"<table><tr>{html}</table>" if html.startswith("<td") else html
        for external in (False, True):
            result = clean(wrapped, 0, external=external)
            assert result.has_external_images
            assert ("x.example" in result.html.replace("data-external-src", "")) == external or not external

    def test_own_images_are_not_external(self) -> None:
        result = clean(
            "<img src='cid:known@x'><img src='cid:%6bnown@x'><img src='cid:other@x' alt=no>", external=False
        )
        image = '<img src="https://attachments.example/0">'
        assert result == SafeHTML(image + image + '<img alt="no">', False)

    def test_the_caller_s_address_is_escaped(self) -> None:
        result = make_safe(
            "<img src=cid:x>",
            level=1,
            show_external_images=False,
            rewrite_cid=lambda _: '/a?b=1&c="><script>',
        )
        assert result.html == '<img src="/a?b=1&amp;c=&quot;&gt;&lt;script&gt;">'

    def test_embedded_data_is_kept_for_raster_images_only(self) -> None:
        for kind in ("png", "jpeg", "gif", "webp"):
            assert f'src="data:image/{kind};base64,AAAA"' in safe(
                f"<img src='data:image/{kind};base64,AAAA'>"
            )
        assert safe("<img src='data:image/svg+xml;base64,AAAA'>") == "<img>"

    def test_sources_in_style_sheets_are_gone_and_not_reported(self) -> None:
        result = clean("<p style='background:url(https://x.example)'>x</p>")
        assert result == SafeHTML("<p>x</p>", False)


class TestLinks:
    def test_links_open_elsewhere_and_tell_nothing(self) -> None:
        assert safe("<a href='https://x.example/?a&b'>x</a>") == (
            '<a href="https://x.example/?a&amp;b" target="_blank" rel="noopener noreferrer">x</a>'
        )

    def test_links_within_the_mail_find_their_anchors(self) -> None:
        result = safe("<a href='#top'>x</a><a name='top'>y</a><p id='top'>z</p>")
        assert result == '<a href="#mail-top">x</a><a name="mail-top">y</a><p id="mail-top">z</p>'

    @pytest.mark.parametrize(
        "url", ["mailto:a@b.example?subject=x", "tel:+123", "sms:+1", "ftp://x.example/y"]
    )
    def test_harmless_schemes_are_kept(self, url: str) -> None:
        assert f'href="{url}"' in safe(f"<a href='{url}'>x</a>", 3)

    def test_what_has_no_scheme_gets_one_or_goes(self) -> None:
        assert 'href="https://x.example/y"' in safe("<a href='//x.example/y'>x</a>")
        assert safe("<a href='x.example'>x</a>") == "<a>x</a>"


RICH = """<html><head><title>T</title><style>
body{margin:0;background:#eee} .a > td{color:red;float:left;position:absolute} #foo{color:blue}
@media (max-width:600px){.a{width:100%!important}}</style></head>
<body bgcolor=#fff text=red style="padding:1px">
<div class="a gmail_quote" style="position:absolute;top:1px;color:red;margin:-5px;font-size:12px;padding:2px">
<table align=left width=100><tr class=a><td bgcolor=yellow>one</td><td>two</td></tr></table>
<img src="cid:known@x" align=left><font color=red>f</font><b>b</b>
<video src="https://x.example/v"></video><ul><li>i</li></ul><p align=center>p</p></div></body></html>"""


class TestLevels:
    def test_level_0_keeps_all_presentational_markup(self) -> None:
        result = safe(RICH, 0)
        for kept in [
            "position:absolute;top:1px;color:red;margin:-5px;font-size:12px;padding:2px", "float:left",
            'align="left"', 'src="https://x.example/v"></video>', 'controls=""', "@media (max-width:600px)",
            ".mail-body #mail-foo", 'class="a gmail_quote"', "background-color:#fff;color:red;padding:1px",
        ]:  # fmt: skip
            assert kept in result, kept

    def test_level_1_drops_positioning_floats_and_media(self) -> None:
        result = safe(RICH, 1)
        for gone in ["position", "float", "top:", "margin:-", 'align="left"', "video"]:
            assert gone not in result, gone
        for kept in [
            "font-size:12px;padding:2px",
            "<style>.mail-body{",
            'class="a gmail_quote"',
            'align="center"',
        ]:
            assert kept in result, kept

    def test_level_2_keeps_basic_formatting(self) -> None:
        result = safe(RICH, 2)
        for gone in ["<style", "padding", 'class="a', "mail-body"]:
            assert gone not in result, gone
        for kept in [
            "color:red;font-size:12px",
            "<table",
            "<b>b</b>",
            "<font",
            'bgcolor="yellow"',
            'class="gmail_quote"',
        ]:
            assert kept in result, kept

    def test_level_3_keeps_the_structure_of_the_text(self) -> None:
        result = safe(RICH, 3)
        for gone in ["style", "<table", "<td", "<b>", "<font", "color"]:
            assert gone not in result, gone
        for kept in ["<ul><li>i</li></ul>", "<p>p</p>", '<img src="https://attachments.example/0">']:
            assert kept in result, kept
        assert "<span>one</span> <span>two</span>" in result

    def test_media_wait_to_be_asked_for(self) -> None:
        assert "x.example" not in safe(RICH, 0, external=False)

    def test_unknown_levels_are_refused(self) -> None:
        with pytest.raises(IndexError):
            safe("x", 4)


def test_long_texts_are_kept_to_the_letter() -> None:
    text = "a &amp; b&nbsp;c &lt; " * 5000
    assert safe(f"<p>{text}</p><pre>{text}</pre>") == f"<p>{text}</p><pre>{text}</pre>"


def test_plain_markup_is_left_alone() -> None:
    html = "<p>Hello <b>there</b> &amp; <i>you</i><br>x</p><ul><li>1</li></ul>"
    assert safe(html) == html


def test_conditional_comments_are_for_one_client_only() -> None:
    assert safe(
        "<style>p{color:red}</style><!--[if mso]><style>p{color:blue}</style><![endif]--><p>x</p>"
    ) == ('<div class="mail-body"><style>.mail-body p{color:red}</style><p>x</p></div>')
    assert "shown" in safe("<!--[if !mso]><!-->shown<!--<![endif]-->")


def test_outlook_s_rule_above_a_quote_is_remembered() -> None:
    style = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"
    assert '<div class="mail-quote"' in safe(f"<div style='{style}'>x</div>", 2)


def test_fallback_content_is_shown() -> None:
    assert safe("<noscript><p>read me</p></noscript><object>this too</object>") == "<p>read me</p>this too"


HOSTILE = {
    "deep blocks": "<div>" * 100_000 + "bottom",
    "deep closed blocks": "<div>" * 50_000 + "bottom" + "</div>" * 50_000,
    "hidden end tags": "<div><!--</div>-->" * 30_000 + "bottom",
    "ignored end tags": "<div><table></div></table>" * 30_000 + "bottom",
    "quoted end tags": "<div><a title='</div>'>" * 30_000 + "bottom",
    "open fonts": "".join(f"<font size={i}>" for i in range(5000)) + "<p>x" * 20_000 + "bottom",
    "one long attribute": f"<font face='{'x' * 500_000}'>" + "<p>x" * 2000 + "bottom",
    "misnested": "<b><i>" * 20_000 + "</b></i>" * 20_000 + "bottom",
    "fonts in cells": "<table><tr>" + "<td><font size=1><b>x</font>" * 10_000 + "</table>bottom",
    "inline in paragraphs": "<span><p></span></p>" * 30_000 + "bottom",
    "foreign": "<svg><title>" + "<div>" * 50_000 + "</title></svg>bottom",
    "doubly escaped script": "<div><script><!--<script></script></div>--></script>" * 20_000 + "bottom",
    "unclosed comments": "<!--" * 200_000,
    "unclosed quotes": "<a b=\"<a b='" * 100_000,
    "open brackets": "<p style='" + "color:rgb(" * 5000 + "'>bottom",
    "many braces": "<style>" + "p{" * 50_000 + "</style>bottom",
    "nested quotes": "<blockquote>" * 20_000 + "bottom",
    "nested lists": "<ul><li>" * 20_000 + "bottom",
    "unclosed styles": "<style>" * 100_000,
    "ampersands": "&a" * 500_000 + "bottom",
    "spaces": "word\xa0&nbsp;&#160;" * 100_000 + "bottom",
    "ampersands in an attribute": f"<p title='{'&' * 500_000}'>bottom",
    "selector soup": "<style>" + "a>" * 50_000 + "{color:red}" + "[a" * 50_000 + "{color:red}</style>bottom",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_sizes_are_survived_with_their_text(name: str) -> None:
    # The time limit of a test is far below what a tree builder takes for these.
    for level in (0, 3):
        result = safe(HOSTILE[name], level)
        assert ("bottom" in result) == ("bottom" in HOSTILE[name])
        assert len(result) < 40 * len(HOSTILE[name])
        assert dangers(result, external_shown=True) == []
