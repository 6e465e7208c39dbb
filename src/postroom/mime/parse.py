"""From a raw message to its part tree, by offsets (RFC 2045, 2046, 5322).

One pass: the parser keeps a stack of open entities and the boundaries of the open multiparts. From one delimiter
candidate (a line that begins with ``--``) to the next it moves by a substring search; a candidate is a dictionary
look-up of the whole line, then of its first word (RFC 2046 §5.1.1: that the boundary appears is enough). So
boundaries that begin like one another are not mixed up, and no number of boundaries, nor their nesting, makes a line
cost more. A delimiter of an outer multipart ends everything inside it. A boundary already open further out belongs
to the outer one. After its close delimiter a boundary means nothing (the rest is epilogue).

A line ends with LF, with or without a CR before it; a bare CR is data. Entities are opened in document order, which
numbers the parts. A multipart without a boundary, or with none of its delimiters in its body, is text/plain: shown
as it stands rather than hidden. Parsing never raises, whatever the bytes are.
"""

from typing import Final

from postroom.mime._delimiters import candidate_pattern, find_boundary, skip_delimiters
from postroom.mime._fields import ContentFields, find_block_end, is_blank, is_field, parse_content_fields
from postroom.mime.decode import DECODED_ENCODINGS, decode_bytes, estimate_size
from postroom.mime.raw import DEFAULT_LIMITS, Limits, Raw
from postroom.model.mail import Part

IDENTITY_ENCODINGS: Final = frozenset({"7bit", "8bit", "binary"})
MESSAGE_TYPES: Final = frozenset({"message/rfc822", "message/global"})
_DELIMITER_PADDING_BYTES = 998
_MANY_MISSES = 1000


def parse_message(raw: Raw, *, limits: Limits = DEFAULT_LIMITS) -> Part:
    """Return the root part of the message ``raw``. Never raises; takes time linear in its length."""
    return _Parser(raw, limits).parse()


class _Entity:
    """An entity that is still open: its end is not known yet."""

    __slots__ = ("body_start", "boundary", "closed_at", "fields", "header_start", "id", "parts")

    def __init__(self, number: int, *, header_start: int, body_start: int, fields: ContentFields) -> None:
        self.id = number
        self.header_start = header_start
        self.body_start = body_start
        self.fields = fields
        self.boundary = b""
        self.closed_at = -1
        self.parts: list[Part] = []


class _Parser:
    """One run over one raw message, or over the decoded body of a nested one."""

    def __init__(
        self, raw: Raw, limits: Limits, *, first_id: int = 0, base: int = -1, depth: int = 0
    ) -> None:
        self._raw = raw
        self._end = len(raw)
        self._limits = limits
        self._next_id = first_id
        self._base = base
        self._depth = depth
        self._stack: list[_Entity] = []
        self._open: dict[bytes, int] = {}
        self._longest = 0

    @property
    def next_id(self) -> int:
        """The number that the next part would have."""
        return self._next_id

    def parse(self) -> Part:
        self._open_entity(0, default_type="text/plain")
        self._scan()
        while len(self._stack) > 1:
            self._close_entity(self._end)
        return self._build(self._stack.pop(), self._end)

    def _scan(self) -> None:
        """Walk from delimiter to delimiter until no boundary is open."""
        position = max(self._stack[-1].body_start - 1, 0)
        while found := self._find_delimiter(position):
            start, line_end, boundary, is_close = found
            if self._next_id >= self._limits.parts and not is_close:
                return
            position = self._delimit(start, line_end, index=self._open[boundary], is_close=is_close)

    def _find_delimiter(self, position: int) -> tuple[int, int, bytes, bool] | None:
        """Return the next delimiter line from ``position`` on: start, end, boundary, is it a close delimiter."""
        raw, end, boundaries = self._raw, self._end, self._open
        misses = 0
        pattern = None
        while boundaries:
            if misses < _MANY_MISSES:
                start = raw.find(b"\n--", position, end)
            else:
                pattern = pattern or candidate_pattern(boundaries)
                match = pattern.search(raw, position, end)
                start = match.start() if match else -1
            if start < 0:
                return None
            position = raw.find(b"\n", start + 3, end)
            if position < 0:
                position = end
            if position - start <= self._longest:
                boundary, is_close = find_boundary(raw[start + 3 : position], boundaries)
                if boundary is not None:
                    return start, position, boundary, is_close
            misses += 1
        return None

    def _delimit(self, start: int, line_end: int, *, index: int, is_close: bool) -> int:
        """End what the delimiter line ends, open what it begins, and return where to search on."""
        content_end = start - 1 if self._raw[start - 1 : start] == b"\r" else start
        # Where nothing is between a blank line and the delimiter, the line end belongs to the blank line.
        content_end = max(content_end, self._stack[-1].body_start)
        while len(self._stack) > index + 1:
            self._close_entity(content_end)
        entity = self._stack[index]
        if is_close:
            entity.closed_at = content_end
            del self._open[entity.boundary]
            return line_end
        if line_end + 1 >= self._end:
            # A delimiter at the very end begins nothing: the message was cut off.
            return self._end
        start = skip_delimiters(self._raw, line_end + 1, end=self._end, boundary=entity.boundary)
        is_digest = entity.fields.content_type.content_type == "multipart/digest"
        self._open_entity(start, default_type="message/rfc822" if is_digest else "text/plain")
        return self._stack[-1].body_start - 1

    def _open_entity(self, start: int, *, default_type: str) -> None:
        """Open the entity at ``start``, and the messages inside one another that begin with it."""
        while True:
            entity = self._read_entity(start, default_type)
            self._stack.append(entity)
            content_type = entity.fields.content_type
            if self._is_at_limit():
                return
            if content_type.boundary and content_type.boundary not in self._open:
                entity.boundary = content_type.boundary
                self._open[entity.boundary] = len(self._stack) - 1
                self._longest = max(self._longest, len(entity.boundary) + 5 + _DELIMITER_PADDING_BYTES)
            if (
                content_type.content_type not in MESSAGE_TYPES
                or entity.fields.encoding not in IDENTITY_ENCODINGS
            ):
                return
            start, default_type = entity.body_start, "text/plain"

    def _read_entity(self, start: int, default_type: str) -> _Entity:
        body_start = find_block_end(self._raw, start, end=self._end, boundaries=self._open)
        fields_end = min(body_start, start + self._limits.header_block_bytes)
        fields = parse_content_fields(self._raw, start, end=fields_end, default_type=default_type)
        if fields.content_type.content_type in MESSAGE_TYPES:
            fields = fields._replace(encoding=self._message_encoding(fields.encoding, body_start))
        number = self._next_id
        self._next_id += 1
        return _Entity(number, header_start=start, body_start=body_start, fields=fields)

    def _message_encoding(self, encoding: str, body_start: int) -> str:
        """Return how a nested message is really encoded: some senders name base64 and write it plainly."""
        is_plain = encoding != "quoted-printable" and encoding not in IDENTITY_ENCODINGS
        return "8bit" if is_plain and is_field(self._raw, body_start, end=self._end) else encoding

    def _is_at_limit(self) -> bool:
        return self._depth + len(self._stack) > self._limits.depth or self._next_id >= self._limits.parts

    def _close_entity(self, end: int) -> None:
        """Close the innermost entity and give its part to the one around it."""
        entity = self._stack.pop()
        part = self._build(entity, end)
        if entity.boundary and entity.closed_at < 0:
            del self._open[entity.boundary]
        self._stack[-1].parts.append(part)

    def _build(self, entity: _Entity, end: int) -> Part:
        end = max(end, entity.body_start)
        fields = entity.fields
        content = fields.content_type
        if content.content_type in MESSAGE_TYPES and not entity.parts:
            self._parse_encoded_message(entity, end)
        size = end - entity.body_start
        return Part(
            entity.id,
            content.content_type if entity.parts else self._leaf_type(entity),
            content.charset,
            fields.encoding,
            fields.disposition.value,
            fields.disposition.filename or content.name,
            fields.content_id,
            entity.header_start,
            entity.body_start,
            end,
            size if entity.parts else estimate_size(size, fields.encoding),
            tuple(entity.parts),
            self._base,
            content.method,
            content.flowed,
        )

    def _leaf_type(self, entity: _Entity) -> str:
        """Return the type of an entity without parts: that of a multipart depends on why it has none."""
        content = entity.fields.content_type
        if not content.content_type.startswith("multipart/"):
            return content.content_type
        if content.boundary and not entity.boundary and content.boundary not in self._open:
            return content.content_type  # Beyond the limits: opaque.
        if entity.closed_at >= 0 and is_blank(self._raw, entity.body_start, end=entity.closed_at):
            return content.content_type  # Properly empty.
        return "text/plain"

    def _parse_encoded_message(self, entity: _Entity, end: int) -> None:
        """Decode the body of a transfer-encoded message/rfc822, and nest what is in it."""
        encoding = entity.fields.encoding
        if encoding not in DECODED_ENCODINGS or end - entity.body_start > self._limits.encoded_message_bytes:
            return
        depth = self._depth + len(self._stack) + 1
        if (
            depth >= self._limits.depth
            or self._next_id >= self._limits.parts
            or not self._limits.encoded_depth
        ):
            return
        decoded = decode_bytes(self._raw[entity.body_start : end], encoding)
        if decoded:
            limits = self._limits._replace(encoded_depth=self._limits.encoded_depth - 1)
            parser = _Parser(decoded, limits, first_id=self._next_id, base=entity.id, depth=depth)
            entity.parts.append(parser.parse())
            self._next_id = parser.next_id
