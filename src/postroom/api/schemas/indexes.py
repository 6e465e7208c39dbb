"""Shapes of what is told of an account's indexes."""

from typing import Annotated

import msgspec
from msgspec import Meta

from postroom.api.schemas.fields import FolderText, Shape
from postroom.domain.indexes import IndexName, IndexState, State


class IndexQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which indexes are asked for, and for which folder."""

    ids: Annotated[list[IndexName], Meta(description="Indexes; repeated, or separated by commas.")]
    scope: FolderText


class IndexInfo(Shape, frozen=True):
    """How far an index is."""

    id: IndexName
    state: State
    progress: Annotated[float, Meta(ge=0, le=1, description="From 0 to 1.", examples=[1.0])]


def render_indexes(asked: list[IndexName], states: dict[IndexName, IndexState]) -> list[IndexInfo]:
    """Return the shapes of the indexes asked for, each once."""
    return [IndexInfo(name, *states[name]) for name in dict.fromkeys(asked)]
