"""Shapes of searches and of what they answer."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from postroom.api.schemas.fields import FolderText, Number, Shape
from postroom.search.query import FIELDS, MAX_CRITERIA


class Criterion(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One criterion of a search."""

    field: Annotated[str, Meta(description=f"One of {', '.join(FIELDS)}.", examples=["subject"])]
    value: Annotated[
        str | int | float | bool | None,
        Meta(
            description="What the field is compared with: words, of which each is the beginning of one; "
            '"quoted words" that follow one another; a date dd-mm-yyyy; a number of bytes; the id of a label; '
            "followup or completed; high, normal or low.",
            examples=["invoice"],
        ),
    ] = None
    negate: Annotated[
        bool | str, Meta(description="true, yes, false or no: mails match that the criterion does not.")
    ] = False


class SearchBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is searched for, and where."""

    folder_ids: list[FolderText]
    query: Annotated[
        list[Criterion],
        Meta(description=f"All must match; at most {MAX_CRITERIA}. Without any, all mails match."),
    ]
    recursive: Annotated[bool, Meta(description="Search what is below the folders too.")] = False
    limit: Annotated[object, Meta(description="Ignored: what is found is listed in pages.")] = None


class SearchResult(Shape, frozen=True):
    """A search folder, to be listed like any folder."""

    folder_id: FolderText
    total_items: Number


class SuggestQuery(msgspec.Struct, frozen=True, rename="camel"):
    """What was typed so far."""

    prefix: Annotated[str, Meta(min_length=0, description="How a word or a name begins.", examples=["joh"])]


class Suggestion(Shape, frozen=True):
    """A text to search for."""

    text: str
    kind: Literal["word", "sender"]
    count: Annotated[int, Meta(ge=0, description="In how many mails it is.")]


class SuggestionList(Shape, frozen=True):
    """People, then words, the most frequent of each first."""

    items: list[Suggestion]
