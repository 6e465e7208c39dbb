"""App passwords and badge tokens, as their owner knows them."""

from typing import NamedTuple, NewType

from postroom.model.ids import AccountId

AccessTokenId = NewType("AccessTokenId", int)
"""Number of an app password or badge token within its account."""


class AccessTokenRef(NamedTuple):
    """An app password or a badge token, named across accounts."""

    owner: AccountId
    token: AccessTokenId


class AccessToken(NamedTuple):
    """An app password, or a badge token: then its scope is ``badge``. Times are Unix milliseconds."""

    token_id: AccessTokenId
    scope: str
    name: str
    created_at: int
    last_used_at: int
    """0: never."""
