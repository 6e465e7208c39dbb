"""Uploads: multipart/form-data (RFC 7578), written to disk while it arrives, so that memory does not grow with it.

Every part is a file but one with neither a file name nor a type, which is a form field: none is known, so that it is
refused by name. A part with an empty file name and no content is what browsers send for an input that nothing was
chosen in, and is passed over. What a file is called is made safe at once; what it is said to be is only taken where
it has the form of a media type.
"""

import asyncio
import re

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from postroom.api.body import PIECE_SECONDS
from postroom.api.call import Call
from postroom.api.errors import payload_too_large
from postroom.domain.uploads import UPLOAD_SECONDS, FileHead, Staging, too_much
from postroom.errors import PostroomError, bad_parameter
from postroom.mime.names import made_up_name, safe_name
from postroom.mime.params import parse_disposition

MAX_FILES = 100
"""Files of one upload."""
_HEAD_BYTES = 8 * 1024
"""What comes with each file besides its content is no more than this."""
_BOUNDARY = re.compile(r"[ -~]{1,200}")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
_UNKNOWN_TYPE = "application/octet-stream"


async def read_files(call: Call) -> Staging:
    """Return the files that a call uploads, on disk, which are read when first asked for.

    The staging is closed by :class:`postroom.api.idempotency.OncePerKey` when the call is over. Raises: badParameter;
    payloadTooLarge; sessionRequired; tooManyRequests; unavailable.
    """
    exchange = call.exchange
    if exchange.staging is None:
        limit = exchange.settings.max_upload_bytes
        boundary = _parse_boundary(call.find_header(b"content-type") or "")
        declared = call.find_header(b"content-length") or ""
        if declared.isdecimal() and int(declared[:20]) > _body_limit(limit):
            raise payload_too_large(limit)
        domain = call.domain.temporary_attachments
        exchange.staging = domain.begin(call.caller, max_files=MAX_FILES, max_bytes=limit)
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                await _read_body(call, _Files(exchange.staging, boundary, limit))
        except TimeoutError:
            raise _late() from None
    return exchange.staging


async def read_file_or_body(call: Call, limit_bytes: int) -> bytes:
    """Return the content of the one file that a call uploads; a body that is no form is that file.

    Raises: badParameter; payloadTooLarge.
    """
    content_type = call.find_header(b"content-type") or ""
    if content_type.lower().lstrip().startswith("multipart/"):
        return await read_one_file(call, limit_bytes)
    return await call.read_raw_body(limit_bytes)


async def read_one_file(call: Call, limit_bytes: int) -> bytes:
    """Return the content of the one file that a call uploads, which is held in memory.

    Raises: badParameter, also where there are more; payloadTooLarge.
    """
    boundary = _parse_boundary(call.find_header(b"content-type") or "")
    raw = await call.read_raw_body(limit_bytes + 2 * _HEAD_BYTES)
    files: list[bytearray] = []
    try:
        with PushMultipartParser(boundary, max_segment_count=MAX_FILES) as parser:
            for event in parser.parse(raw):
                if isinstance(event, MultipartSegment):
                    _require_file(event)
                    files.append(bytearray())
                elif event:
                    files[-1] += event
    except MultipartError as error:
        raise _explain(error) from None
    if len(files) != 1:
        raise bad_parameter("body", "the body must hold one file")
    if len(files[0]) > limit_bytes:
        raise payload_too_large(limit_bytes)
    return bytes(files[0])


def _parse_boundary(content_type: str) -> str:
    kind, options = parse_options_header(content_type)
    boundary: str = options.get("boundary", "")
    if kind != "multipart/form-data" or _BOUNDARY.fullmatch(boundary) is None:
        message = "Content-Type must be multipart/form-data with a boundary"
        raise bad_parameter("Content-Type", message)
    return boundary


def _body_limit(limit_bytes: int) -> int:
    """Return the limit of a whole body: that of its files, and room for what is said of them."""
    return limit_bytes + (MAX_FILES + 1) * _HEAD_BYTES


async def _read_body(call: Call, files: "_Files") -> None:
    size_bytes, more = 0, True
    while more:
        try:
            message = await asyncio.wait_for(call.receive(), PIECE_SECONDS)
        except TimeoutError:
            raise _late() from None
        if message["type"] != "http.request":
            raise bad_parameter("body", "the connection ended before the body")
        size_bytes += len(message["body"])
        if size_bytes > files.body_limit:
            raise payload_too_large(files.limit_bytes)
        if message["body"]:
            await files.feed(message["body"])
        more = message["more_body"]
    files.finish()


class _Files:
    """Puts the files of a body where they go."""

    def __init__(self, staging: Staging, boundary: str, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.body_limit = _body_limit(limit_bytes)
        self._staging = staging
        self._parser = PushMultipartParser(boundary, max_segment_count=MAX_FILES)
        self._segment: MultipartSegment | None = None
        self._is_begun = False

    async def feed(self, data: bytes) -> None:
        """Take a piece of the body. Raises: badParameter; payloadTooLarge; unavailable."""
        try:
            for event in self._parser.parse(data):
                if isinstance(event, MultipartSegment):
                    self._segment, self._is_begun = _require_file(event), False
                elif event:
                    self._begin()
                    await self._staging.write(event)
                else:
                    await self._end()
        except MultipartError as error:
            raise _explain(error) from None

    def finish(self) -> None:
        """Note the end of the body. Raises: badParameter where it is not complete, or has no file."""
        try:
            self._parser.close()
        except MultipartError as error:
            raise _explain(error) from None
        if not self._staging.files:
            raise bad_parameter("body", "the body holds no file")

    def _begin(self) -> None:
        if not self._is_begun:
            self._staging.begin()
            self._is_begun = True

    async def _end(self) -> None:
        segment = self._segment
        if segment is None or (not self._is_begun and segment.filename == ""):
            return
        self._begin()
        await self._staging.end(_make_head(segment, len(self._staging.files) + 1))


def _require_file(segment: MultipartSegment) -> MultipartSegment:
    if segment.filename is None and segment.content_type is None and not _find_extended_name(segment):
        name = (segment.name or "body")[:256]
        raise bad_parameter(name, f"{name} is not a file")
    return segment


def _make_head(segment: MultipartSegment, number: int) -> FileHead:
    content_type = segment.content_type or ""
    # A file is kept and sent as one: what consists of parts could not be.
    if _MEDIA_TYPE.fullmatch(content_type) is None or content_type.startswith("multipart/"):
        content_type = _UNKNOWN_TYPE
    name = safe_name(segment.filename or _find_extended_name(segment))
    return FileHead(name or made_up_name(number, content_type), content_type)


def _find_extended_name(segment: MultipartSegment) -> str:
    """Return the name that some programs give in the extended form alone, though RFC 7578 §4.2 has none."""
    value = segment.header("Content-Disposition") or ""
    if "*" not in value:
        return ""
    return parse_disposition(value.encode("utf-8")).filename


def _late() -> PostroomError:
    return bad_parameter("body", "the request body did not arrive in time")


def _explain(error: MultipartError) -> PostroomError:
    reason = str(error.args[0]) if error.args else "it cannot be read"
    if isinstance(error, ParserLimitReached) and reason.startswith("Maximum segment count"):
        return too_much(f"an upload has at most {MAX_FILES} files", MAX_FILES)
    return bad_parameter("body", f"the body is not valid multipart/form-data: {reason}")
