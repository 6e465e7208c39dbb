"""Shapes of the content of a mail: body, parts, part data."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api.schemas.fields import Base64, Index, Number, Shape
from postroom.domain.messages import Body as DomainBody
from postroom.domain.messages import PartData as DomainPartData
from postroom.model.mail import Part as StoredPart

BodyType = Literal["html", "text"]
Conversion = Literal["original", "text", "html"]
ShowImages = Annotated[
    bool, Meta(description="Leave images of other servers in HTML; by default as the account's settings say.")
]


class BodyQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which form of the body is asked for."""

    type: Annotated[BodyType, Meta(description="The form that the client would like best.")] = "html"
    show_external_images: ShowImages | None = None


class PartsQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which parts are asked for, as query parameters."""

    part_ids: Annotated[list[Index], Meta(description="Parts, repeated or separated by commas.")] | None = (
        None
    )
    convert_to: Annotated[Conversion, Meta(description="Form that text parts are converted to.")] = "original"
    show_external_images: ShowImages | None = None


class PartsBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which parts are asked for, as a JSON body; what is not there is taken from the query."""

    part_ids: Annotated[list[Index], Meta(max_length=10_000)] | UnsetType = UNSET
    convert_to: Conversion | UnsetType = UNSET
    show_external_images: bool | UnsetType = UNSET


class Body(Shape, frozen=True):
    """The body of a mail, made safe to show."""

    id: Index
    content_type: str
    estimated_size: Number
    has_external_images: bool
    is_truncated: bool
    data: Base64


class Header(Shape, frozen=True):
    """A header field; ``value`` is raw, with folds and line end."""

    name: str
    value: str


class Part(Shape, frozen=True):
    """A MIME part."""

    content_type: str
    id: Index
    parts: list["Part"]
    headers: list[Header]
    estimated_size: Number
    filename: Annotated[str, Meta(description="Only for attachments.")] | UnsetType = UNSET


class PartData(Shape, frozen=True):
    """The decoded body of a part; text is UTF-8."""

    id: Index
    data: Base64
    is_truncated: bool
    has_external_images: bool
    quoted_offset: Annotated[int, Meta(ge=-1, description="Characters; -1 if nothing is quoted.")]
    quoted_parts_offsets: list[tuple[int, int]]


class PartDataList(Shape, frozen=True):
    """The parts that were asked for."""

    items: list[PartData]


def render_body(body: DomainBody) -> Body:
    """Return a body."""
    return Body(
        body.part_id,
        body.content_type,
        body.estimated_size,
        body.has_external_images,
        body.is_truncated,
        body.data,
    )


def render_part_data(data: DomainPartData) -> PartData:
    """Return the data of a part."""
    return PartData(
        data.part_id,
        data.data,
        data.is_truncated,
        data.has_external_images,
        data.quoted_offset,
        data.quoted_parts,
    )


def render_part(part: StoredPart, headers: dict[int, list[tuple[str, str]]], names: dict[int, str]) -> Part:
    """Return ``part`` with all below it; ``headers`` and the file ``names`` of attachments are by part id."""
    return Part(
        part.content_type,
        part.id,
        [render_part(child, headers, names) for child in part.parts],
        [Header(name, value) for name, value in headers[part.id]],
        part.estimated_size,
        names.get(part.id, UNSET),
    )


def iter_parts(part: StoredPart) -> Iterator[StoredPart]:
    """Yield ``part`` and all below it, in document order."""
    yield part
    for child in part.parts:
        yield from iter_parts(child)
