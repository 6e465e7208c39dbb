"""Flags to be set, of one mail or conversation or of many: what the bodies of all these calls have in common."""

from typing import Protocol

from msgspec import UNSET, UnsetType

from postroom.api.schemas.fields import or_none
from postroom.domain.actions import SetFlags
from postroom.errors import bad_parameter


class FlagsBody(Protocol):
    """A body with flags."""

    @property
    def is_unread(self) -> bool | UnsetType:
        """Whether it becomes unread, or read."""

    @property
    def is_flagged(self) -> bool | UnsetType:
        """Whether it becomes flagged."""


def read_flags(body: FlagsBody) -> SetFlags:
    """Return the flags that a body sets. Raises: badParameter where there are none."""
    if body.is_unread is UNSET and body.is_flagged is UNSET:
        raise bad_parameter("isUnread", "at least one of isUnread and isFlagged must be given")
    return SetFlags(or_none(body.is_unread), or_none(body.is_flagged))
