"""Attachments that do something when they are opened: programs and scripts, also inside of zip archives.

Told by the end of the file name, by the media type, and by the first bytes of the content, so that renaming hides
none. Archives are not unpacked by their directory, which may say anything: the whole archive is searched for the
headers that stand before each member and in the directory, and each name in them counts. Of each member the first
bytes are unpacked, and an archive inside of an archive whole. Of an encrypted member the name alone is known.

All work is bounded: so many attachments, members and unpacked bytes a message, and archives inside of archives to a
depth; what lies beyond is told by its name. Nothing here fails, whatever the bytes are.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterator
from struct import unpack_from
from typing import Final, NamedTuple

from postroom.mime.decode import decode_body, decode_bytes
from postroom.mime.parse import MESSAGE_TYPES
from postroom.mime.raw import Raw
from postroom.mime.structure import Sources, iter_parts
from postroom.model.mail import Part

MOST_ATTACHMENTS: Final = 1000
MOST_MEMBERS: Final = 20_000
MOST_UNPACKED_BYTES: Final = 32 << 20
LARGEST_ARCHIVE_BYTES: Final = 64 << 20
"""Encoded bytes of an attachment that is looked into as an archive; of a larger one the beginning."""
DEPTH: Final = 4
_HEAD_BYTES = 4096
_PIECE_BYTES = 16 << 10
_LONGEST_NAME_BYTES = 1024

_PROGRAMS = """exe com scr pif cpl dll sys drv ocx msi msp mst msix msixbundle appx appxbundle application appref-ms
    gadget xbap ade adp mde jar apk deb rpm pkg dmg app run elf vxd xll"""
_SCRIPTS = """bat cmd btm ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psm1 vb vbe vbs vbscript js jse mjs ws wsc wsf wsh hta
    sct shb sh bash csh ksh zsh fish command py pyc pyo pyw pyz pyzw pl rb php phar tcl jnlp scpt applescript"""
_STARTERS = """lnk scf url reg inf ins isp msc chm hlp its theme settingcontent-ms library-ms search-ms diagcab
    diagcfg diagpkg desktop webpnp website xnk"""
_ENDINGS: Final = frozenset(f"{_PROGRAMS} {_SCRIPTS} {_STARTERS}".split())
_TYPES: Final = frozenset(
    (
        "application/bat",
        "application/hta",
        "application/java-archive",
        "application/javascript",
        "application/vnd.android.package-archive",
        "application/vnd.microsoft.portable-executable",
        "application/x-bat",
        "application/x-csh",
        "application/x-dosexec",
        "application/x-elf",
        "application/x-executable",
        "application/x-java-archive",
        "application/x-javascript",
        "application/x-mach-binary",
        "application/x-ms-installer",
        "application/x-ms-shortcut",
        "application/x-msdos-program",
        "application/x-msdownload",
        "application/x-msi",
        "application/x-perl",
        "application/x-python-code",
        "application/x-sh",
        "application/x-shellscript",
        "text/javascript",
        "text/vbscript",
        "text/x-python",
        "text/x-shellscript",
    )
)
_MAGIC: Final = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"dex\n03",
    b"L\0\0\0\x01\x14\x02\0",
)
"""ELF, Mach-O, Java classes, Dalvik, shortcuts of Windows."""
_SCRIPT = re.compile(rb"(?:\xef\xbb\xbf)?#![ \t]*/")
_SHOWN_TYPES = frozenset(("text/plain", "text/html"))
_ZIP_TYPES = frozenset(("application/zip", "application/x-zip-compressed", "application/x-zip"))
_ZIP_BEGINNING = b"PK\x03\x04"
_ZIP_HEADER = re.compile(rb"PK(?:\x03\x04|\x01\x02)")
_LOCAL_BYTES, _CENTRAL_BYTES = 30, 46
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 1


def has_dangerous(raw: Raw, root: Part) -> bool:
    """Tell whether a message has an attachment that is a program or a script, or holds one."""
    search = _Search(raw, root)
    return any(search.is_dangerous(part) for part in _attachments(root))


def is_dangerous_name(name: str) -> bool:
    """Tell whether a file of this name would be run: by what is behind the last dot, as systems see it."""
    if "." not in name:
        return False
    # Windows drops spaces and dots at the end, and what is behind a colon is no part of the name.
    name = unicodedata.normalize("NFKC", name)
    name = "".join(filter(str.isprintable, name))
    pieces = re.split(r"[/\\]", name)[-1].split(":")
    return any(piece.rstrip(" .").rpartition(".")[2].lower() in _ENDINGS for piece in pieces if "." in piece)


def is_program(head: bytes) -> bool:
    """Tell whether a file that begins so is a program or a script."""
    if head.startswith(b"MZ"):
        return b"\0" in head[2:64]
    return head.startswith(_MAGIC) or _SCRIPT.match(head) is not None


def _attachments(root: Part) -> Iterator[Part]:
    if not root.parts and _is_body(root):
        return
    count = 0
    for part in iter_parts(root):
        is_around = bool(part.parts) or (part.content_type in MESSAGE_TYPES and not part.filename)
        if is_around or _is_body(part):
            continue
        count += 1
        if count > MOST_ATTACHMENTS:
            return
        yield part


def _is_body(part: Part) -> bool:
    return part.content_type in _SHOWN_TYPES and not part.filename and part.disposition != "attachment"


class _Member(NamedTuple):
    """What the header of a member of an archive says; ``start`` is where its data are, 0 if not told here."""

    name: str
    start: int
    size_bytes: int
    method: int


class _Search:
    """The search through one message, with what is left of its bounds."""

    def __init__(self, raw: Raw, root: Part) -> None:
        self._sources = Sources(raw, root)
        self._members = MOST_MEMBERS
        self._bytes = MOST_UNPACKED_BYTES

    def is_dangerous(self, part: Part) -> bool:
        """Tell whether one attachment is."""
        if part.content_type in _TYPES or is_dangerous_name(part.filename):
            return True
        source = self._sources.of(part)
        start = part.body_start
        head = decode_bytes(source[start : min(part.end, start + _HEAD_BYTES)], part.encoding)
        if is_program(head):
            return True
        is_archive = (
            head.startswith(_ZIP_BEGINNING)
            or part.content_type in _ZIP_TYPES
            or part.filename.lower().endswith(".zip")
        )
        return is_archive and self._holds_dangerous(self._decode(source, part), depth=1)

    def _decode(self, source: Raw, part: Part) -> bytes:
        if part.end - part.body_start <= LARGEST_ARCHIVE_BYTES:
            return decode_body(source, part)
        return decode_bytes(source[part.body_start : part.body_start + LARGEST_ARCHIVE_BYTES], part.encoding)

    def _holds_dangerous(self, archive: bytes, *, depth: int) -> bool:
        for match in _ZIP_HEADER.finditer(archive):
            self._members -= 1
            if self._members < 0:
                return False
            member = _read_member(archive, match.start())
            if member is not None and self._is_dangerous_member(archive, member, depth=depth):
                return True
        return False

    def _is_dangerous_member(self, archive: bytes, member: _Member, *, depth: int) -> bool:
        if is_dangerous_name(member.name):
            return True
        if not member.start or self._bytes <= 0:
            return False
        head = self._unpack(archive, member, limit=_HEAD_BYTES)
        if is_program(head):
            return True
        # A member that is not compressed lies in the archive as it is, and is searched with it.
        is_inner = head.startswith(_ZIP_BEGINNING) and member.method == _DEFLATED
        if not is_inner or depth >= DEPTH:
            return False
        return self._holds_dangerous(self._unpack(archive, member, limit=self._bytes), depth=depth + 1)

    def _unpack(self, archive: bytes, member: _Member, *, limit: int) -> bytes:
        """Return the beginning of a member; b"" where it cannot be unpacked."""
        if member.method == _STORED:
            return archive[member.start : member.start + min(limit, member.size_bytes or limit)]
        unpacked = _inflate(memoryview(archive)[member.start :], limit=limit)
        self._bytes -= len(unpacked)
        return unpacked


def _inflate(packed: memoryview, *, limit: int) -> bytes:
    """Return at most ``limit`` bytes of what begins ``packed``; less where it is broken or ends before."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces: list[bytes] = []
    start = 0
    # In pieces, since what is left over of one is copied.
    while limit > 0 and start < len(packed) and not inflater.eof:
        piece = packed[start : start + _PIECE_BYTES]
        start += len(piece)
        try:
            pieces.append(inflater.decompress(piece, limit))
        except zlib.error:
            break
        limit -= len(pieces[-1])
    return b"".join(pieces)


def _read_member(archive: bytes, start: int) -> _Member | None:
    """Return what a header of an archive says, None where it is cut off."""
    if archive[start + 2] == 1:
        if len(archive) < start + _CENTRAL_BYTES:
            return None
        (length,) = unpack_from("<H", archive, start + 28)
        return _Member(_name(archive, start + _CENTRAL_BYTES, length), 0, 0, _STORED)
    if len(archive) < start + _LOCAL_BYTES:
        return None
    flags, method = unpack_from("<HH", archive, start + 6)
    size_bytes, _, length, extra = unpack_from("<IIHH", archive, start + 18)
    is_readable = not flags & _ENCRYPTED and method in {_STORED, _DEFLATED}
    data = start + _LOCAL_BYTES + length + extra if is_readable else 0
    return _Member(_name(archive, start + _LOCAL_BYTES, length), data, size_bytes, method)


def _name(archive: bytes, start: int, length: int) -> str:
    # The end is what tells; characters beyond ASCII make no difference to it.
    end = start + length
    return archive[max(start, end - _LONGEST_NAME_BYTES) : end].decode("utf-8", "replace")
