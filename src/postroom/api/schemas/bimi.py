"""Shapes of senders' logos."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from postroom.api.schemas.fields import Base64, Shape
from postroom.domain.bimi import Logo

MAX_LOCATIONS = 200

LocationText = Annotated[
    str,
    Meta(
        pattern="^[0-9A-Fa-f]{32}$",
        min_length=32,
        max_length=32,
        description="What mails have as bimiLocation: the MD5 of where the logo is.",
        examples=["0b3f3a8e6fc1f3c5b0d4b4a0a54f1e27"],
    ),
]


class LogosWanted(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which logos are asked for."""

    bimi_locations: Annotated[list[LocationText], Meta(max_length=MAX_LOCATIONS)]


class BimiLogo(Shape, frozen=True):
    """A logo."""

    bimi_location: LocationText
    data: Annotated[Base64, Meta(description="The SVG.")]


class BimiLogos(Shape, frozen=True):
    """Those of the logos that are there."""

    items: list[BimiLogo]


def render_logos(logos: Sequence[Logo]) -> BimiLogos:
    """Return logos."""
    return BimiLogos([BimiLogo(logo.location_md5, logo.data) for logo in logos])
