"""Parts fit to be shown: decoded, converted, made safe, cut, and what is quoted in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.content.show import BodyKind, ShowTask, show
from postroom.mime.parse import parse_message


def make_task(body: bytes, content_type: str, kind: BodyKind, *, max_chars: int | None = None) -> ShowTask:
    raw = (
        f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode() + body
    )
    part = parse_message(raw)
    return ShowTask(
        source=raw[part.body_start :],
        part=part,
        kind=kind,
        level=1,
        show_external_images=False,
        images={"logo": "/there"},
        max_chars=max_chars,
        find_quotes=True,
    )


def test_html_is_decoded_and_made_safe() -> None:
    body = b"<p>Gr=FC=DFe</p><script>x()</script><img src=3D'http://a.test/x.png'><img src=3Dcid:logo>"
    shown = show(make_task(body, "text/html; charset=iso-8859-1", "html"))
    text = shown.data.decode()
    assert "Grüße" in text
    assert "script" not in text
    assert 'data-external-src="http://a.test/x.png"' in text
    assert 'src="/there"' in text
    assert (shown.has_external_images, shown.is_truncated) == (True, False)


def test_each_kind_is_made_of_the_other() -> None:
    assert show(make_task(b"<p>One</p><p>Two</p>", "text/html", "text")).data.split() == [b"One", b"Two"]
    assert b"&lt;b&gt;" in show(make_task(b"a <b> c", "text/plain", "html")).data


@pytest.mark.parametrize(
    ("content_type", "kind"), [("text/plain", "text"), ("text/plain", "html"), ("text/html", "html")]
)
def test_long_texts_are_cut(content_type: str, kind: BodyKind) -> None:
    shown = show(make_task(b"word " * 100, content_type, kind, max_chars=50))
    assert shown.is_truncated
    assert shown.data.count(b"word") < 20
    assert not show(make_task(b"word", content_type, kind, max_chars=50)).is_truncated


def test_quotes_are_found() -> None:
    shown = show(make_task(b"Yes.\r\n\r\n> Are you well?\r\n> Soon?\r\n", "text/plain", "text"))
    ((start, end),) = shown.quoted_parts
    assert shown.data.decode()[start:end].startswith("> Are")


@given(
    st.binary(max_size=300), st.sampled_from(["text/html", "text/plain"]), st.sampled_from(["html", "text"])
)
def test_any_bytes_are_shown(body: bytes, content_type: str, kind: BodyKind) -> None:
    show(make_task(body, content_type, kind)).data.decode()
