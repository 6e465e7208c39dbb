"""Shapes of labels."""

from typing import Annotated

import msgspec
from msgspec import Meta

from postroom.api import ids
from postroom.api.schemas.fields import LabelText, Shape, TokenText
from postroom.domain import labels as domain
from postroom.model.ids import AccountId


class LabelListQuery(msgspec.Struct, frozen=True, rename="camel"):
    """What is asked for of the labels."""

    sync_token_only: Annotated[bool, Meta(description="Answer with the syncToken alone.")] = False


class LabelName(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The name of a label; one without regard to case."""

    name: Annotated[str, Meta(description="1 to 128 characters.", examples=["Invoices"])]


class Label(Shape, frozen=True):
    """A label."""

    id: LabelText
    name: str


class LabelList(Shape, frozen=True):
    """All labels."""

    sync_token: TokenText
    items: list[Label]


def render_label(owner: AccountId, label: domain.Label) -> Label:
    """Return a label of ``owner``."""
    return Label(ids.render_label(owner, label.label_id), label.name)
