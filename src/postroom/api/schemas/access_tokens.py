"""Shapes of app passwords and badge tokens."""

from typing import Annotated, Literal, cast

import msgspec
from msgspec import Meta

from postroom.api import ids
from postroom.api.schemas.fields import AccessTokenText, DateText, Shape
from postroom.domain.access_tokens import MAX_NAME_CHARS, Made
from postroom.model.access_token import AccessToken
from postroom.model.ids import AccountId

ScopeText = Annotated[
    Literal["counters", "read", "all"],
    Meta(description="What it may do: read the unread counters, read everything, or everything."),
]
NameText = Annotated[str, Meta(examples=["Mail program on the laptop"])]
NewNameText = Annotated[
    str, Meta(min_length=1, max_length=MAX_NAME_CHARS, examples=["Mail program on the laptop"])
]
UseText = Annotated[DateText | None, Meta(description="Written now and then; null if it was never used.")]
_PASSWORD_EXAMPLE = "pap_Vq3dKJmZ0c1Jb8sY4uQn2w0pXxT7eRlA"  # noqa: S105 (an example)
_TOKEN_EXAMPLE = "pbt_Vq3dKJmZ0c1Jb8sY4uQn2w0pXxT7eRlA"  # noqa: S105 (an example)


class NewAppPassword(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An app password to be made."""

    name: NewNameText
    scope: ScopeText = "all"


class NewBadgeToken(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A badge token to be made."""

    name: NewNameText


class MadeAppPassword(Shape, frozen=True):
    """A new app password; it is never shown again."""

    id: AccessTokenText
    name: NameText
    scope: ScopeText
    password: Annotated[str, Meta(examples=[_PASSWORD_EXAMPLE])]


class MadeBadgeToken(Shape, frozen=True):
    """A new badge token; it is never shown again."""

    id: AccessTokenText
    name: NameText
    token: Annotated[str, Meta(examples=[_TOKEN_EXAMPLE])]


class AppPassword(Shape, frozen=True):
    """An app password."""

    id: AccessTokenText
    name: NameText
    scope: ScopeText
    created_date: DateText
    last_used_date: UseText


class BadgeToken(Shape, frozen=True):
    """A badge token."""

    id: AccessTokenText
    name: NameText
    created_date: DateText
    last_used_date: UseText


class AppPasswordList(Shape, frozen=True):
    """The app passwords of an account."""

    items: list[AppPassword]


class BadgeTokenList(Shape, frozen=True):
    """The badge tokens of an account."""

    items: list[BadgeToken]


def render_made_password(owner: AccountId, made: Made) -> MadeAppPassword:
    """Return a new app password as it is answered."""
    token = made.token
    return MadeAppPassword(
        ids.render_access_token(owner, token.token_id), token.name, _scope(token), made.secret
    )


def render_made_badge(owner: AccountId, made: Made) -> MadeBadgeToken:
    """Return a new badge token as it is answered."""
    return MadeBadgeToken(ids.render_access_token(owner, made.token.token_id), made.token.name, made.secret)


def render_password(owner: AccountId, token: AccessToken) -> AppPassword:
    """Return an app password as it is listed."""
    wire_id = ids.render_access_token(owner, token.token_id)
    return AppPassword(wire_id, token.name, _scope(token), _date(token.created_at), _use(token))


def render_badge(owner: AccountId, token: AccessToken) -> BadgeToken:
    """Return a badge token as it is listed."""
    wire_id = ids.render_access_token(owner, token.token_id)
    return BadgeToken(wire_id, token.name, _date(token.created_at), _use(token))


def _scope(token: AccessToken) -> Literal["counters", "read", "all"]:
    return cast("Literal['counters', 'read', 'all']", token.scope)


def _date(milliseconds: int) -> str:
    return str(milliseconds // 1000)


def _use(token: AccessToken) -> str | None:
    return _date(token.last_used_at) if token.last_used_at else None
