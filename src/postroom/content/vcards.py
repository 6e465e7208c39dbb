"""vCards as people have them: 3.0 (RFC 2426), 4.0 (RFC 6350), and what is left of 2.1.

Cards are read one by one, each by itself, so that a broken one spoils no other. Lines are put together as bytes,
since a fold may part a character; a value is decoded by the charset it names, else as UTF-8, else as windows-1252.
Taken beside what the standards say: quoted-printable with its soft breaks, parameters without a name, base64 that
goes on without a fold, quotes in parameters that never end, a card inside of a card (AGENT), which is passed over.

What is read has the fields of a contact and no more: of several phone numbers the preferred one, of addresses three.
"""

import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

from postroom.mime.charset import decode_charset, decode_unknown
from postroom.mime.decode import decode_base64, decode_quoted_printable

MAX_PHOTO_BYTES = 1 << 20
MAX_LINES = 5_000
"""Lines of a card; members of a group are lines, too."""
_MAX_LINE_BYTES = 2 * MAX_PHOTO_BYTES
_FOLD_BYTES = 75

_LINE_END = re.compile(rb"\r\n|\n|\r")
_HEAD = re.compile(rb'((?:[^:"]|"[^"]*")*):')
_PARAMETER = re.compile(r'((?:[^;"]|"[^"]*")*)(?:;|\Z)')
_NAME = re.compile(r"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CARET = re.compile(r"\^([n'^])")
_BARE_ENCODINGS = frozenset({"quoted-printable", "base64", "8bit", "7bit", "b"})
_BASE64 = frozenset({"b", "base64"})


class VCard(NamedTuple):
    """What a vCard says. ``members`` is None where it is no group; a member is (name, address) or ("", URI)."""

    uid: str = ""
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    nick_name: str = ""
    email: str = ""
    business_email: str = ""
    home_email: str = ""
    phone: str = ""
    organization: str = ""
    notes: str = ""
    members: tuple[tuple[str, str], ...] | None = None
    photo: tuple[str, bytes] | None = None
    """Its media type and the file."""


class _Line(NamedTuple):
    name: str
    parameters: Mapping[str, list[str]]
    value: bytes

    @property
    def types(self) -> set[str]:
        found = {one.lower() for one in self.parameters.get("TYPE", [])}
        return found | {"pref"} if "PREF" in self.parameters else found

    def text(self) -> str:
        """Return the value as it stands, in characters."""
        value = self.value
        if "quoted-printable" in self._encodings:
            value = decode_quoted_printable(value)
        charsets = self.parameters.get("CHARSET")
        return decode_charset(value, charsets[0]) if charsets else decode_unknown(value)

    @property
    def _encodings(self) -> set[str]:
        return {one.lower() for one in self.parameters.get("ENCODING", [])}

    @property
    def is_base64(self) -> bool:
        return bool(self._encodings & _BASE64)

    @property
    def is_soft(self) -> bool:
        """Whether the value goes on in the next line."""
        return "quoted-printable" in self._encodings and self.value.endswith(b"=")


# Reading


def read_vcards(data: bytes) -> Iterator[VCard | None]:
    """Yield the cards of a file; None for each that is broken."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        data = decode_unknown(data).encode()
    lines: list[_Line | None] | None = None
    for line in _leave_out_inner(_read_lines(data.removeprefix(b"\xef\xbb\xbf"))):
        mark = _mark_of(line)
        if mark and lines is not None:
            yield _make_card(lines) if mark == "END" else None
        if mark:
            lines = [] if mark == "BEGIN" else None
        elif lines is not None and len(lines) <= MAX_LINES:
            # A card that has more is broken by its last line.
            lines.append(line if len(lines) < MAX_LINES else None)
    if lines is not None:
        yield None


def _leave_out_inner(lines: Iterable[_Line | None]) -> Iterator[_Line | None]:
    """Yield the lines but for cards inside of cards."""
    depth, before = 0, ""
    for line in lines:
        mark = _mark_of(line)
        if mark == "BEGIN" and (depth or before == "AGENT"):
            depth += 1
        elif mark == "END" and depth:
            depth -= 1
        elif not depth:
            yield line
        before = line.name if line is not None else ""


def _mark_of(line: _Line | None) -> str:
    if line is None or line.name not in {"BEGIN", "END"} or line.value.strip().upper() != b"VCARD":
        return ""
    return line.name


def _read_lines(data: bytes) -> Iterator[_Line | None]:
    """Yield the properties of a file, put together; None for a line that is none."""
    current: _Line | None = None
    pieces: list[bytes] = []

    def finish() -> _Line | None:
        assert current is not None  # noqa: S101 (there are pieces of it)
        return current._replace(value=b"".join(pieces)) if pieces else current

    for raw in _join_folded(data):
        if current is not None:
            last = pieces[-1] if pieces else current.value
            if current._replace(value=last).is_soft:
                pieces = pieces or [current.value]
                pieces[-1] = last[:-1]
                pieces.append(raw.lstrip(b" \t") if raw[:1] in b" \t" else raw)
                continue
            if current.is_base64 and raw and b":" not in raw:
                pieces = pieces or [current.value]
                pieces.append(raw)
                continue
            yield finish()
            current, pieces = None, []
        if not raw.strip():
            continue
        current = _parse_line(raw)
        if current is None:
            yield None
    if current is not None:
        yield finish()


def _join_folded(data: bytes) -> Iterator[bytes]:
    pieces: list[bytes] = []
    start = 0
    while start <= len(data):
        end = _LINE_END.search(data, start)
        line = data[start : end.start() if end else len(data)]
        if line[:1] in {b" ", b"\t"} and pieces:
            pieces.append(line[1:])
        else:
            if pieces:
                yield b"".join(pieces)
            pieces = [line]
        if end is None:
            break
        start = end.end()
    yield b"".join(pieces)


def _parse_line(raw: bytes) -> _Line | None:
    head = _HEAD.match(raw)
    # Quotes that never end are no quotes.
    end = head.end() - 1 if head else raw.find(b":")
    if end < 0 or len(raw) > _MAX_LINE_BYTES:
        return None
    name, *given = _split_parameters(decode_unknown(raw[:end]))
    found = _NAME.fullmatch(name.strip())
    if found is None:
        return None
    parameters: dict[str, list[str]] = {}
    for one in given:
        key, has_value, value = one.partition("=")
        if not has_value:
            key, value = ("ENCODING" if key.lower() in _BARE_ENCODINGS else "TYPE"), key
        parameters.setdefault(key.strip().upper(), []).extend(_split_values(key, value))
    return _Line(found[1].upper(), parameters, raw[end + 1 :])


def _split_parameters(text: str) -> list[str]:
    if text.count('"') % 2:
        return text.split(";")
    return [found[1] for found in _PARAMETER.finditer(text)]


def _split_values(key: str, value: str) -> list[str]:
    if key.strip().upper() == "X-NAME":
        return [_CARET.sub(lambda found: {"n": "\n", "'": '"', "^": "^"}[found[1]], value.strip('" '))]
    return [one.strip('" ') for one in value.split(",")]


def _make_card(lines: Iterable[_Line | None]) -> VCard | None:
    by_name: dict[str, list[_Line]] = {}
    for line in lines:
        if line is None:
            return None
        by_name.setdefault(line.name, []).append(line)

    def texts(name: str) -> list[str]:
        return [_unescape(line.text()).strip() for line in by_name.get(name, [])]

    family, given, additional = _read_name(by_name.get("N", []))
    emails = _assign_emails(by_name.get("EMAIL", []))
    return VCard(
        uid=next(iter(texts("UID")), ""),
        name=next((text for text in texts("FN") if text), ""),
        first_name=f"{given} {additional}".strip(),
        last_name=family,
        nick_name=", ".join(_split(line, ",") for line in by_name.get("NICKNAME", [])[:1]),
        email=emails["email"],
        business_email=emails["business"],
        home_email=emails["home"],
        phone=_choose_phone(by_name.get("TEL", [])),
        organization=", ".join(_split(line, ";") for line in by_name.get("ORG", [])[:1]),
        notes="\n".join(texts("NOTE")),
        members=_read_members(by_name),
        photo=_read_photo(by_name.get("PHOTO", [])),
    )


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)


def _split_escaped(text: str, separator: str) -> list[str]:
    """Return the parts of a value, unescaped."""
    parts = re.findall(rf"((?:[^\\{separator}]|\\.|\\\Z)*)(?:{separator}|\Z)", text, re.DOTALL)
    return [_unescape(part).strip() for part in parts[:-1] or parts]


def _split(line: _Line, separator: str) -> str:
    return ", ".join(part for part in _split_escaped(line.text(), separator) if part)


def _read_name(lines: list[_Line]) -> tuple[str, str, str]:
    parts = _split_escaped(lines[0].text(), ";") if lines else []
    family, given, additional = (*parts[:3], "", "", "")[:3]
    return family, given, additional


def _assign_emails(lines: list[_Line]) -> dict[str, str]:
    found = {"email": "", "business": "", "home": ""}
    ordered = sorted(lines, key=lambda line: "pref" not in line.types)
    for line in ordered:
        address = _unescape(line.text()).strip()
        address = address[7:] if address[:7].lower() == "mailto:" else address
        kinds = line.types
        wanted = (
            "email"
            if "pref" in kinds
            else "business"
            if "work" in kinds
            else "home"
            if "home" in kinds
            else "email"
        )
        place = next((one for one in (wanted, "email", "business", "home") if not found[one]), None)
        if place is not None and address:
            found[place] = address
    return found


def _choose_phone(lines: list[_Line]) -> str:
    def rank(line: _Line) -> int:
        kinds = line.types
        return 0 if "pref" in kinds else 1 if "cell" in kinds else 3 if "fax" in kinds else 2

    numbers = [_unescape(line.text()).strip() for line in sorted(lines, key=rank)]
    numbers = [unquote(one[4:]) if one[:4].lower() == "tel:" else one for one in numbers]
    return next((one for one in numbers if one), "")


def _read_members(by_name: Mapping[str, list[_Line]]) -> tuple[tuple[str, str], ...] | None:
    kinds = [*by_name.get("KIND", []), *by_name.get("X-ADDRESSBOOKSERVER-KIND", [])]
    if not any(line.text().strip().lower() == "group" for line in kinds):
        return None
    lines = [*by_name.get("MEMBER", []), *by_name.get("X-ADDRESSBOOKSERVER-MEMBER", [])]
    members: list[tuple[str, str]] = []
    for line in lines:
        uri = line.text().strip()
        if uri[:7].lower() == "mailto:":
            uri = unquote(uri[7:].partition("?")[0])
        members.append((line.parameters.get("X-NAME", [""])[0], uri))
    return tuple(members)


def _read_photo(lines: list[_Line]) -> tuple[str, bytes] | None:
    for line in lines:
        value, kind = line.value.strip(), next(iter(line.parameters.get("TYPE", [])), "").lower()
        if value[:5].lower() == b"data:" and b";base64," in value:
            head, _, value = value.partition(b",")
            data = decode_base64(unquote(value.decode("ascii", "replace")).encode())
            return head[5:].partition(b";")[0].decode("ascii", "replace"), data
        if line.is_base64:
            return f"image/{kind or 'jpeg'}", decode_base64(value)
    return None


# Writing


def write_vcard(card: VCard, version: str) -> bytes:
    """Return a card in version 3.0 or 4.0."""
    is_new = version == "4.0"
    lines = ["BEGIN:VCARD", f"VERSION:{version}", f"UID:{_escape(card.uid)}", f"FN:{_escape(card.name)}"]
    # A name that has no parts is not taken apart by whoever reads it.
    lines.append(f"N:{_escape(card.last_name)};{_escape(card.first_name)};;;")
    emails = (
        ("PREF=1" if is_new else "TYPE=INTERNET,PREF", card.email),
        ("TYPE=work" if is_new else "TYPE=INTERNET,WORK", card.business_email),
        ("TYPE=home" if is_new else "TYPE=INTERNET,HOME", card.home_email),
    )
    lines += [f"EMAIL;{kind}:{_escape(address)}" for kind, address in emails if address]
    for name, value in (
        ("NICKNAME", card.nick_name),
        ("TEL", card.phone),
        ("ORG", card.organization),
        ("NOTE", card.notes),
    ):
        lines += [f"{name}:{_escape(value)}"] if value else []
    if card.members is not None:
        prefix = "" if is_new else "X-ADDRESSBOOKSERVER-"
        lines.append(f"{prefix}KIND:group")
        lines += [_write_member(f"{prefix}MEMBER", *member) for member in card.members]
    if card.photo is not None:
        lines.append(_write_photo(*card.photo, is_new=is_new))
    lines.append("END:VCARD")
    return b"".join(_fold(line) for line in lines)


def _escape(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _write_member(name: str, display: str, address: str) -> str:
    shown = ""
    if display:
        caret = display.replace("^", "^^").replace('"', "^'").replace("\n", "^n")
        shown = f';X-NAME="{caret}"'
    return f"{name}{shown}:mailto:{quote(address, safe='@!$&*+-./=_~')}"


def _write_photo(content_type: str, data: bytes, *, is_new: bool) -> str:
    encoded = b2a_base64(data, newline=False).decode("ascii")
    if is_new:
        return f"PHOTO:data:{content_type};base64,{encoded}"
    return f"PHOTO;ENCODING=b;TYPE={content_type.rpartition('/')[2].upper()}:{encoded}"


def _fold(line: str) -> bytes:
    """Return a line with its end, folded between characters."""
    data = line.encode()
    pieces: list[bytes] = []
    start, size = 0, _FOLD_BYTES
    while start < len(data):
        end = min(start + size, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(data[start:end])
        start, size = end, _FOLD_BYTES - 1
    return b"\r\n ".join(pieces) + b"\r\n"
