"""Charset names, and bytes to text."""

import codecs
import sys

import pytest

from postroom.mime.charset import decode_charset, decode_unknown, find_codec


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("utf-8", "žluťoučký 日本"),
        ("UTF8", "žluť"),
        ("iso-8859-2", "žluť"),
        ("ISO_8859-15", "€"),
        ("windows-1250", "žluť"),
        ("cp-850", "é"),
        ("cp1251", "Привет"),
        ("koi8-r", "Привет"),
        ("KOI8-U", "Привіт"),
        ("iso-2022-jp", "日本語"),
        ("shift_jis", "日本語"),
        ("x-sjis", "日本語"),
        ("windows-31j", "①"),
        ("euc-jp", "日本語"),
        ("gb2312", "汉字"),
        ("gb18030", "汉字"),
        ("big5", "漢字"),
        ("euc-kr", "한국어"),
        ("ks_c_5601-1987", "한국어"),
        ("windows-874", "ไทย"),
        ("tis-620", "ไทย"),
        ("iso-8859-8-i", "שלום"),
        ("utf-16be", "日本"),
        ("macintosh", "é"),
        ("ibm437", "é"),
    ],
)
def test_known_charsets(name: str, text: str) -> None:
    codec = find_codec(name)
    assert codec is not None
    assert decode_charset(text.encode(codec), name) == text


def test_names_stand_for_their_supersets() -> None:
    assert decode_charset(b"\x93quoted\x94 \x80", "iso-8859-1") == "“quoted” €"
    assert decode_charset("한똠".encode("cp949"), "euc-kr") == "한똠"
    assert decode_charset("镕".encode("gbk"), "gb2312") == "镕"


@pytest.mark.parametrize(
    "name", ["", "unknown-8bit", "x-unknown", "default", "no such thing", "\0", "é", "a" * 5000]
)
def test_unknown_charset_is_guessed(name: str) -> None:
    assert decode_charset("naïve".encode(), name) == "naïve"
    assert decode_charset(b"na\xefve", name) == "naïve"


@pytest.mark.parametrize(
    "name", ["utf-7", "UNICODE-1-1-UTF-7", "idna", "punycode", "unicode_escape", "raw-unicode-escape", "undefined",
             "rot13", "hex", "base64", "zlib", "bz2", "uu", "quopri", "mbcs", "oem", "unicode_internal"]
)  # fmt: skip
def test_refused_codecs(name: str) -> None:
    assert find_codec(name) is None


def test_utf_7_hides_no_markup() -> None:
    assert "<" not in decode_charset(b"+ADw-script+AD4-", "utf-7")


def test_unknown_names_import_nothing() -> None:
    before = set(sys.modules)
    for number in range(500):
        assert find_codec(f"zz-unheard-{number}") is None
    assert set(sys.modules) == before


def test_every_codec_exists() -> None:
    for name in (
        "ascii",
        "iso-8859-9",
        "iso-8859-11",
        "big5",
        "shift_jis",
        "utf-16",
        "x-mac-roman",
        "dos-850",
        "hz-gb-2312",
    ):
        codec = find_codec(name)
        assert codec is not None, name
        assert codecs.lookup(codec)


def test_wrong_bytes_become_replacement_characters() -> None:
    assert decode_charset(b"a\xffb", "utf-8") == "a\ufffdb"
    assert "\ufffd" in decode_charset(b"\x80", "iso-2022-kr")


def test_ascii_with_eight_bits_is_guessed() -> None:
    assert decode_charset("é".encode(), "us-ascii") == "é"


def test_windows_1252_has_no_holes() -> None:
    assert decode_charset(bytes(range(256)), "windows-1252")[0x81] == "\x81"
    assert decode_unknown(b"\x81\x93") == "\x81“"


@pytest.mark.parametrize("charset", ["", "utf-8", "utf-16", "unknown"])
@pytest.mark.parametrize(
    ("mark", "codec"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
def test_byte_order_mark(charset: str, mark: bytes, codec: str) -> None:
    assert decode_charset(mark + "hé".encode(codec), charset) == "hé"


def test_seven_bit_japanese_without_a_charset() -> None:
    assert decode_unknown("日本".encode("iso-2022-jp")) == "日本"
