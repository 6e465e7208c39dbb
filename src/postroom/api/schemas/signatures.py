"""Shapes of signatures."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.schemas.fields import Shape, SignatureText, or_none
from postroom.domain.signatures import MAX_BODY_BYTES, MAX_NAME_CHARACTERS
from postroom.model import profile
from postroom.model.ids import AccountId
from postroom.model.profile import SignatureChange, SignatureKind

SignatureName = Annotated[str, Meta(description=f"1 to {MAX_NAME_CHARACTERS} characters.", examples=["Work"])]
SignatureBody = Annotated[
    str,
    Meta(
        description=f"Up to {MAX_BODY_BYTES} bytes of UTF-8. HTML is made safe before it is kept.",
        examples=["<b>Ann Example</b>"],
    ),
]


class NewSignature(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A signature to be made."""

    name: SignatureName
    type: SignatureKind
    body: SignatureBody


class SignaturePatch(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is to be changed of a signature; what is not given stays."""

    name: SignatureName | UnsetType = UNSET
    type: SignatureKind | UnsetType = UNSET
    body: SignatureBody | UnsetType = UNSET


class SignatureHead(Shape, frozen=True):
    """A signature without its text."""

    id: SignatureText
    name: str
    type: SignatureKind


class Signature(Shape, frozen=True):
    """A signature."""

    id: SignatureText
    name: str
    type: SignatureKind
    body: SignatureBody


class SignatureList(Shape, frozen=True):
    """All signatures, the oldest first."""

    items: list[SignatureHead]


def read_change(patch: SignaturePatch) -> SignatureChange:
    """Return a change as the domain takes it."""
    return SignatureChange(or_none(patch.name), or_none(patch.type), or_none(patch.body))


def render_head(owner: AccountId, head: profile.SignatureHead) -> SignatureHead:
    """Return a signature as lists have it."""
    return SignatureHead(ids.render_signature(owner, head.signature_id), head.name, head.kind)


def render_list(owner: AccountId, heads: Iterable[profile.SignatureHead]) -> SignatureList:
    """Return the signatures of an account."""
    return SignatureList([render_head(owner, head) for head in heads])


def render_signature(owner: AccountId, found: profile.Signature) -> Signature:
    """Return a signature as it is answered."""
    return Signature(ids.render_signature(owner, found.signature_id), found.name, found.kind, found.body)
