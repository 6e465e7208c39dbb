"""HTML becomes readable text and text becomes safe HTML, whatever is put in."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sanitise.safety import dangers
from tests.unit.sanitise.vectors import VECTORS

from postroom.sanitise.html import make_safe
from postroom.sanitise.text import html_to_text, text_to_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("one<br><br>two", "one\n\ntwo"),
        ("<div>one<br></div><div>two</div>", "one\ntwo"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("  many \n\t spaces\r\nand   lines ", "many spaces and lines"),
        ("<b>bo</b>ld and <i> it</i>alic", "bold and italic"),
        ("a<P CLASS=x>b</P>c", "a\n\nb\n\nc"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("<ul><li>one<li>two</ul>after", "- one\n- two\n\nafter"),
        ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ("<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>", "- a\n  1. b\n\n- c"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><th>c</th><td>d</td></tr></table>", "a\tb\nc\td"),
        ("<table><tr><td></td><td>a</td><td> </td><td>b</td></tr></table>", "a\tb"),
        ("<table><tr><td><table><tr><td>x</td></tr></table></td></tr></table>", "x"),
        ("a&nbsp;&nbsp;b &amp; &lt;c&gt; &eacute;&#8364;&bogus;", "a  b & <c> é€&bogus;"),
        ("before<blockquote>quoted<br>lines</blockquote>after", "before\n\n> quoted\n> lines\n\nafter"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n\n>> b"),
        ("<pre>a\n  b\n</pre>c", "a\n  b\n\nc"),
        ("<a href='https://x.example'>link</a>", "link"),
        ("<head><title>T</title><style>p{}</style></head>x<script>y</script>", "x"),
        ("<template>no</template><svg><text>no</text></svg>yes", "yes"),
        ("<!-- no --><!--[if mso]>no<![endif]-->yes<!doctype x><?xml?>", "yes"),
        ("<![if !mso]>yes<![endif]>", "yes"),
        ("<noscript>yes<p>too</p></noscript>", "yes\n\ntoo"),
        ("a<xmp><b>  x\ny</xmp>z", "a\n\n<b>  x\ny\n\nz"),
        ("<a title='a>b' alt=\"<p>\">x</a>", "x"),
        ("a < b and c > d", "a < b and c > d"),
        ("x<script>unclosed", "x"),
        ("x<a href='unclosed", "x"),
        ("<p>\x00\x01\x02con\x03\x04\x05tr\x06\x07ol\x1f</p>", "control"),
        ("日本語<br>ไทย", "日本語\nไทย"),
    ],
)
def test_html_to_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000 + "bottom", "<blockquote>" * 100_000 + "bottom", "<ul><li>" * 50_000 + "bottom",
        "<noscript>" * 50_000 + "bottom", "<table><tr><td>" * 50_000 + "bottom",
        "<a b=\"<a b='" * 100_000 + "'\">bottom", "<!--" * 100_000 + "-->bottom",
        "&" * 500_000 + "bottom", "<" * 500_000 + " bottom", "</" * 200_000 + ">bottom",
        "\xa0" * 500_000 + "bottom",
        " " * 500_000 + "bottom", "<p> " * 200_000 + "bottom", "<pre>" + " \n" * 200_000 + "bottom",
    ],
)  # fmt: skip
def test_hostile_nesting_is_read_to_the_end(html: str) -> None:
    assert html_to_text(html).endswith("bottom")


@given(st.text(max_size=400))
def test_any_text_becomes_text(html: str) -> None:
    text = html_to_text(html)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    assert not re.search(r"[ \t]\n", text)
    assert text == text.strip()


@given(
    st.lists(st.sampled_from([v for vs in VECTORS.values() for v in vs] + ["a", "</p>", "<br>"]), max_size=6)
)
def test_scripts_never_become_text(parts: list[str]) -> None:
    html_to_text("".join(parts))
    assert "alert" not in html_to_text("<script>alert(1)</script>" + "<p>x</p>" * len(parts))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("one\n\n\n\ntwo\r\nthree", "<p>one</p>\n<p>two<br>\nthree</p>\n"),
        ('<b> & "q"', '<p>&lt;b&gt; &amp; "q"</p>\n'),
        ("a  b", "<p>a&nbsp; b</p>\n"),
        ("  a", "<p>&nbsp;&nbsp;a</p>\n"),
        ("> q\nr", '<blockquote type="cite">\n<p>q</p>\n</blockquote>\n<p>r</p>\n'),
        (
            "> a\n>> b\n> > c",
            '<blockquote type="cite">\n<p>a</p>\n'
            '<blockquote type="cite">\n<p>b<br>\nc</p>\n</blockquote>\n</blockquote>\n',
        ),
        ("> a\n>\n> b", '<blockquote type="cite">\n<p>a</p>\n<p>b</p>\n</blockquote>\n'),
        ("\x00a\x1b[1m", "<p>a[1m</p>\n"),
    ],
)
def test_text_to_html(text: str, html: str) -> None:
    assert text_to_html(text) == html


def link(url: str, shown: str | None = None) -> str:
    return f'<a href="{url}" target="_blank" rel="noopener noreferrer">{url if shown is None else shown}</a>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("see https://x.example/a?b=1&c=2.", f"see {link('https://x.example/a?b=1&amp;c=2')}."),
        ("(http://x.example)", f"({link('http://x.example')})"),
        ("https://x.example/a_(b)", link("https://x.example/a_(b)")),
        ("<https://x.example>", f"&lt;{link('https://x.example')}&gt;"),
        ('"https://x.example"', f'"{link("https://x.example")}"'),
        ("mail a.b+c@x-y.example, ok", f"mail {link('mailto:a.b+c@x-y.example', 'a.b+c@x-y.example')}, ok"),
        ("mailto:a@b.example", link("mailto:a@b.example")),
        ("javascript:alert(1) data:text/html,x", "javascript:alert(1) data:text/html,x"),
        ("https://", "https://"),
        ('https://x.example/"onclick=alert(1)', f'{link("https://x.example/")}"onclick=alert(1)'),
        ("@ a@ @b a@b", "@ a@ @b a@b"),
    ],
)
def test_addresses_become_links(text: str, html: str) -> None:
    assert text_to_html(text) == f"<p>{html}</p>\n"


@pytest.mark.parametrize(
    "text", ["a" * 500_000, "@" * 200_000, "a@" * 200_000, ">" * 200_000, "> " * 100_000, "http://" * 50_000,
             "a.b-" * 100_000, "https://x.example/" + ")" * 100_000, ">\n" * 100_000]
)  # fmt: skip
def test_hostile_text_is_survived(text: str) -> None:
    assert len(text_to_html(text)) < 60 * len(text)


@given(st.text(max_size=300))
def test_html_from_text_is_safe_and_stays_as_it_is(text: str) -> None:
    html = text_to_html(text)
    assert dangers(html, external_shown=False) == []
    for level in (0, 3):
        assert (
            dangers(
                make_safe(html, level=level, show_external_images=False, rewrite_cid=lambda _: None).html,
                external_shown=False,
            )
            == []
        )


@given(st.text(alphabet=st.sampled_from("ab<>&\"' .é日\n"), max_size=200))
def test_words_survive_both_ways(text: str) -> None:
    unquoted = re.sub(r"^[> ]+", "", text, flags=re.MULTILINE)
    assert html_to_text(text_to_html(unquoted)).split() == unquoted.split()
