"""Records of what an account says of itself, and of the names that it makes."""

from typing import Literal, NamedTuple, NewType

from postroom.model.ids import AccountId

SignatureKind = Literal["html", "text"]
SignatureId = NewType("SignatureId", int)
"""Number of a signature within its account, never given out twice."""
AliasId = NewType("AliasId", int)
"""Number of a temporary alias within its account, never given out twice."""


class ContactInfo(NamedTuple):
    """Who the owner of an account is; "" for what is not said."""

    title: str = ""
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    suffix: str = ""
    personal_address: str = ""
    """An address of the owner elsewhere."""


class Picture(NamedTuple):
    """An image: its media type, and the file."""

    media_type: str
    data: bytes


class SignatureRef(NamedTuple):
    """A signature, named across accounts."""

    owner: AccountId
    signature: SignatureId


class AliasRef(NamedTuple):
    """A temporary alias, named across accounts."""

    owner: AccountId
    alias: AliasId


class TemporaryAlias(NamedTuple):
    """An address that an account has for a while; ``expires_at`` in Unix milliseconds."""

    address: str
    alias_id: AliasId
    expires_at: int


class SignatureHead(NamedTuple):
    """A signature without its text."""

    signature_id: SignatureId
    name: str
    kind: SignatureKind


class Signature(NamedTuple):
    """A signature; ``body`` is safe HTML or plain text."""

    signature_id: SignatureId
    name: str
    kind: SignatureKind
    body: str

    @property
    def head(self) -> SignatureHead:
        """The signature without its text."""
        return SignatureHead(*self[:3])


class SignatureChange(NamedTuple):
    """New values of a signature; None leaves the old one."""

    name: str | None = None
    kind: SignatureKind | None = None
    body: str | None = None
