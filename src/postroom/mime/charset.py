"""Character sets: from a name in a message to a codec that is safe, and from bytes to text without failing.

Names are looked up in a closed table, made from the standard library's aliases and the names that mail carries
beyond them: a name out of a message never reaches the codec search, which would import modules, remember every
unknown name, and offer codecs that are no character sets (or that take quadratic time, as ``idna`` did). UTF-7 is
refused, since it hides markup from whoever looks at the bytes (WHATWG Encoding §4.2 does the same).

As in browsers, a name stands for the superset that senders mean by it: iso-8859-1 for windows-1252, gb2312 for
gb18030, shift_jis for windows-31j, ks_c_5601-1987 for windows-949. None of the codecs used yields lone surrogates.
"""

import codecs
import re
from encodings.aliases import aliases
from functools import lru_cache

_REFUSED = frozenset(
    {
        "base64_codec", "bz2_codec", "hex_codec", "idna", "mbcs", "oem", "punycode", "quopri_codec",
        "raw_unicode_escape", "rot_13", "undefined", "unicode_escape", "utf_7", "uu_codec", "zlib_codec",
    }
)  # fmt: skip
_SUPERSETS = {
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "cp950",
    "iso2022_jp": "iso2022_jp_ext",
    "iso2022_jp_1": "iso2022_jp_ext",
    "utf_16": "utf_16_le",
}
_MORE_NAMES = {
    "ansi_x3_110_1983": "cp1252",
    "big5_eten": "cp950",
    "cn_big5": "cp950",
    "cn_gb": "gb18030",
    "dos_850": "cp850",
    "gb_2312_80": "gb18030",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_8_i": "iso8859_8",
    "ks_c_5601": "cp949",
    "latin_9": "iso8859_15",
    "utf8mb4": "utf_8",
    "windows_31j": "cp932",
    "x_big5": "cp950",
    "x_euc_jp": "euc_jp",
    "x_gbk": "gb18030",
    "x_mac_cyrillic": "mac_cyrillic",
    "x_mac_roman": "mac_roman",
    "x_ms_cp932": "cp932",
    "x_sjis": "cp932",
    "x_x_big5": "cp950",
}
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_CODE_PAGE = re.compile(r"(?:x_)?(?:cp|ibm|windows|win|microsoft_cp|dos)_?0*(\d{2,5})")
_BOMS = ((codecs.BOM_UTF8, "utf_8"), (codecs.BOM_UTF16_LE, "utf_16_le"), (codecs.BOM_UTF16_BE, "utf_16_be"))
_MARKS = frozenset(mark[:2] for mark, _ in _BOMS)
_MARKED_CODECS = frozenset({"utf_8", "utf_16_le", "utf_16_be"})


def _codec_table() -> dict[str, str]:
    table = {
        name: name for name in (*aliases.values(), "cp874", "cp720", "cp737", "cp856", "cp875", "cp1006")
    }
    table |= {_SEPARATORS.sub("_", alias): codec for alias, codec in aliases.items()}
    table |= {"koi8_t": "koi8_t", "koi8_u": "koi8_u", "utf_8_sig": "utf_8"} | _MORE_NAMES
    return {name: _SUPERSETS.get(codec, codec) for name, codec in table.items() if codec not in _REFUSED}


_CODECS = _codec_table()


@lru_cache(maxsize=256)
def find_codec(name: str) -> str | None:
    """Return the Python codec for the charset ``name`` of a message, or None if it is unknown or refused.

    us-ascii gives ``ascii``, which :func:`decode_charset` treats as a charset that was not declared.
    """
    key = _SEPARATORS.sub("_", name.strip(" \t\"'").lower()).strip("_")
    codec = _CODECS.get(key)
    if codec is None and (page := _CODE_PAGE.fullmatch(key)):
        codec = _CODECS.get("cp" + page[1])
    return codec


def decode_unknown(data: bytes) -> str:
    """Return the text of ``data`` of which no charset is known: UTF-8 if it is that, else windows-1252.

    A byte order mark tells, and is not part of the text. Seven-bit data with the escapes of ISO-2022-JP is taken
    for that (RFC 1468).
    """
    if data[:2] in _MARKS:
        return _decode_marked(data, "utf_8")
    if b"\x1b$" in data and data.isascii():
        return data.decode("iso2022_jp_ext", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_cp1252(data)


def decode_charset(data: bytes, charset: str) -> str:
    """Return the text of ``data`` in ``charset``, with U+FFFD for what is no character of it; never fails.

    An unknown, refused, missing ("") or us-ascii charset is as good as none: :func:`decode_unknown`. A byte order
    mark wins over the declared UTF-8 or UTF-16, and is not part of the text.
    """
    codec = find_codec(charset) if charset else None
    if codec is None or codec == "ascii":
        return decode_unknown(data)
    if codec == "cp1252":
        return _decode_cp1252(data)
    if data[:2] in _MARKS and codec in _MARKED_CODECS:
        return _decode_marked(data, codec)
    return data.decode(codec, "replace")


def _decode_marked(data: bytes, codec: str) -> str:
    """Decode data that may begin with a byte order mark; ``codec`` counts if it does not."""
    for mark, marked in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(marked, "replace")
    return data.decode(codec, "replace")


def _decode_cp1252(data: bytes) -> str:
    """Decode windows-1252 as browsers do: its five holes are the control characters of ISO 8859-1."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(_CP1252_TABLE[byte] for byte in data)


_CP1252_TABLE = [bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(256)]
