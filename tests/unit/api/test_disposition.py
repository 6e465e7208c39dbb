"""File names of downloads."""

import re
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.api.disposition import clean_name, render_disposition


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("report.pdf", b'attachment; filename="report.pdf"'),
        ("my report.pdf", b'attachment; filename="my report.pdf"'),
        ("Übersicht.pdf", b"attachment; filename=\"_bersicht.pdf\"; filename*=UTF-8''%C3%9Cbersicht.pdf"),
        ('a"b\\c.txt', b"attachment; filename=\"a_b_c.txt\"; filename*=UTF-8''a%22b_c.txt"),
        ("100%.txt", b"attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
        ("../../etc/passwd", b'attachment; filename="_.._etc_passwd"'),
        ("a\r\nSet-Cookie: x", b'attachment; filename="a__Set-Cookie: x"'),
        ("", b'attachment; filename="download"'),
        (" .. ", b'attachment; filename="download"'),
        ("gpj.\u202eexe", b'attachment; filename="gpj._exe"'),
    ],
)
def test_values(name: str, value: bytes) -> None:
    assert render_disposition("attachment", name) == value


def test_long_names_keep_their_extension() -> None:
    assert clean_name("x" * 500 + ".pdf", "f") == "x" * 196 + ".pdf"
    assert len(clean_name("x." + "y" * 500, "f")) == 200


@given(st.text())
def test_any_name_is_one_harmless_parameter(name: str) -> None:
    value = render_disposition("inline", name).decode("ascii")
    assert re.fullmatch(
        r'inline; filename="[^"\\%/\x00-\x1f\x7f]+"(; filename\*=UTF-8\'\'[^ ;"\x00-\x1f]+)?', value
    )
    parsed = EmailMessage()
    parsed["Content-Disposition"] = value
    found = parsed.get_filename()
    assert found
    assert "/" not in found
