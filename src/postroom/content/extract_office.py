"""The text of office documents: Office Open XML (ECMA-376) and OpenDocument (ISO/IEC 26300), both XML in a ZIP file.

Algorithm: the few members that hold text are read piece by piece into expat, and the character data of the elements
that hold text is kept; neither a member nor its tree is ever whole in memory. All formats are read by the same
handler, told apart by their :class:`_Format`.

Invariants: at most MAX_UNPACKED_BYTES are unpacked of a document, whatever its ZIP directory says; a document type
declaration ends the reading, so that no entity is ever declared or expanded, and nothing outside is ever asked for.
What was read up to a fault counts.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from postroom.content.extract_text import TextSink

MAX_UNPACKED_BYTES = 128 << 20
MAX_MEMBERS = 20_000
MAX_DEPTH = 1000
"""Elements inside each other; no document needs a tenth of it."""
MAX_TOKEN_BYTES = 4 << 20
"""A longer tag or name ends the reading: some versions of expat look at it anew with each piece."""
_PIECE_BYTES = 64 * 1024
_MAX_NUMBER_CHARS = 16
"""A longer number in a cell is the outcome of a calculation that nobody looks for."""


@dataclass(frozen=True)
class _Format:
    """Where a format keeps text.

    Attributes:
        members: the members of the ZIP file that are read.
        texts: the elements whose character data is text.
        breaks: the elements that end a word, each with what it leaves.
        skipped: the elements that are left out with all that is in them.
        numbers: the elements that hold the value of a cell, where it is a number.
    """

    members: re.Pattern[str]
    texts: frozenset[str]
    breaks: Mapping[str, str]
    skipped: frozenset[str] = field(default_factory=frozenset)
    numbers: frozenset[str] = field(default_factory=frozenset)


_WORD = _Format(
    re.compile(r"word/(?:document\d*|header\d*|footer\d*|footnotes|endnotes|comments)\.xml"),
    texts=frozenset({"t"}),
    breaks={"p": "\n", "br": "\n", "cr": "\n", "tab": "\t", "noBreakHyphen": "-"},
    # What old programs are shown instead says the same again.
    skipped=frozenset({"Fallback"}),
)
_SLIDES = _Format(
    re.compile(r"ppt/(?:slides/slide|notesSlides/notesSlide|comments/\w+|diagrams/data)\d*\.xml"),
    texts=frozenset({"t", "text"}),
    breaks={"p": "\n", "br": "\n", "tab": "\t", "text": "\n"},
    skipped=frozenset({"Fallback"}),
)
_SHEETS = _Format(
    re.compile(r"xl/(?:sharedStrings|worksheets/sheet\d+|comments\d*|drawings/drawing\d+)\.xml"),
    texts=frozenset({"t"}),
    breaks={"si": "\n", "c": "\n", "p": "\n", "comment": "\n"},
    # How the text is pronounced.
    skipped=frozenset({"rPh", "Fallback"}),
    numbers=frozenset({"v"}),
)
_OPEN_DOCUMENT = _Format(
    re.compile(r"(?:content|styles)\.xml"),
    texts=frozenset({"p", "h"}),
    breaks={"p": "\n", "h": "\n", "tab": "\t", "s": " ", "line-break": "\n"},
    skipped=frozenset({"tracked-changes", "binary-data"}),
)
_BY_MAIN_MEMBER = {
    "word/document.xml": _WORD,
    "ppt/presentation.xml": _SLIDES,
    "xl/workbook.xml": _SHEETS,
    "content.xml": _OPEN_DOCUMENT,
}
_COUNTED_CELL_TYPES = frozenset({"s", "b", "e"})
"""Cells whose value is the number of a shared string, a truth value or an error."""


class _UnsafeError(Exception):
    """The XML does what no honest document does."""


def read_office(data: bytes, sink: TextSink) -> None:
    """Add the text of an office document in a ZIP file; nothing, if it is none. Raises: Enough."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _read_archive(archive, sink)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        # Broken, encrypted, or packed in a way that is not used for documents: what was read counts.
        return


def read_flat(data: bytes, sink: TextSink) -> None:
    """Add the text of an OpenDocument file that is plain XML (.fodt and the like). Raises: Enough."""
    reader = _Reader(_OPEN_DOCUMENT, sink)
    reader.read(io.BytesIO(data), limit=MAX_UNPACKED_BYTES)


def _read_archive(archive: zipfile.ZipFile, sink: TextSink) -> None:
    members = {info.filename: info for info in archive.infolist()[:MAX_MEMBERS]}
    kind = next((kind for name, kind in _BY_MAIN_MEMBER.items() if name in members), None)
    if kind is None:
        return
    left = MAX_UNPACKED_BYTES
    for name in sorted(filter(kind.members.fullmatch, members), key=_natural):
        if members[name].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            continue
        with archive.open(members[name]) as member:
            left -= _Reader(kind, sink).read(member, limit=left)


def _natural(name: str) -> tuple[str, int]:
    """Order numbered members by their numbers."""
    digits = re.search(r"(\d+)\.xml", name)
    return re.sub(r"\d+", "", name), int(digits[1][:9]) if digits else 0


class _Reader:
    """Reads one XML member."""

    def __init__(self, kind: _Format, sink: TextSink) -> None:
        self._kind = kind
        self._sink = sink
        self._depth = 0
        self._in_text = 0
        self._in_skipped = 0
        self._in_number = False
        self._cell_type = ""
        self._number = ""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.buffer_size = _PIECE_BYTES
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        self._parser = parser

    def read(self, source: IO[bytes], *, limit: int) -> int:
        """Read at most ``limit`` bytes; return how many there were. Raises: Enough; what a broken file raises."""
        total = 0
        try:
            while total < limit and (piece := source.read(min(_PIECE_BYTES, limit - total))):
                total += len(piece)
                self._parser.Parse(piece, False)
                if total - max(self._parser.CurrentByteIndex, 0) > MAX_TOKEN_BYTES:
                    break
        except (expat.ExpatError, _UnsafeError):
            pass
        finally:
            # The parser and this object hold each other, and it may have taken all the memory there is.
            parser = self._parser
            parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
            parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = None
        self._sink.add("\n")
        return total

    def _refuse(self, *_: object) -> None:
        raise _UnsafeError

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _UnsafeError
        name = tag.rpartition(" ")[2]
        if self._in_skipped or name in self._kind.skipped:
            self._in_skipped += 1
            return
        self._in_text += name in self._kind.texts
        if name == "c" and self._kind.numbers:
            self._cell_type = attributes.get("t", "")
        elif name in self._kind.numbers and self._cell_type not in _COUNTED_CELL_TYPES:
            self._in_number = True

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._in_skipped:
            self._in_skipped -= 1
            return
        name = tag.rpartition(" ")[2]
        self._in_text -= name in self._kind.texts
        if self._in_number:
            if len(self._number) <= _MAX_NUMBER_CHARS or self._cell_type == "str":
                self._sink.add(self._number)
            self._in_number, self._number = False, ""
        if (left := self._kind.breaks.get(name)) is not None:
            self._sink.add(left)

    def _text(self, text: str) -> None:
        if self._in_skipped:
            return
        if self._in_number:
            self._number += text[:_PIECE_BYTES]
        elif self._in_text:
            self._sink.add(text)
