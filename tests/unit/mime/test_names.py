"""Safe file names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mime.names import made_up_name, message_name, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("two words (1).pdf", "two words (1).pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\dir\\file.txt", "file.txt"),
        ("dir/", ""),
        ("..", ""),
        (" .hidden. ", "hidden"),
        ("a\r\nb\x00c.txt", "abc.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("zero\u200bwidth\ufeff.txt", "zerowidth.txt"),
        ("e\u0301te\u0301.txt", "été.txt"),
        ("日本語.pdf", "日本語.pdf"),
        ("", ""),
    ],
)
def test_safe_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_long_names_keep_their_extension() -> None:
    assert safe_name("x" * 500 + ".pdf") == "x" * 196 + ".pdf"
    assert safe_name("日" * 300 + ".docx").endswith("日.docx")
    assert len(safe_name("a." + "x" * 500).encode()) == 200


@given(st.text(max_size=300))
def test_safe_names_are_safe(name: str) -> None:
    safe = safe_name(name)
    assert len(safe.encode()) <= 200
    assert not set("/\\\r\n\0") & set(safe)
    assert safe == safe.strip(" .")
    assert safe_name(safe) == safe


def test_made_up_names() -> None:
    assert made_up_name(1, "application/pdf") == "attachment-1.pdf"
    assert made_up_name(12, "text/x-unheard") == "attachment-12.txt"
    assert made_up_name(3, "application/x-unheard") == "attachment-3.bin"
    assert message_name("Re: hello", 1) == "Re: hello.eml"
    assert message_name("", 2) == "attachment-2.eml"
    assert message_name(" ../ ", 2) == "-.eml"
    assert message_name("x" * 300, 1).endswith("x.eml")
