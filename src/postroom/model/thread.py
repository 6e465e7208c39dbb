"""What joins a message to others: computed once, at arrival, and stored with its content.

Keys are signed 64-bit hashes, so that what is looked up is small and of one size whatever a message names. Two
messages belong together that have a reference key in common. They also do if they have a subject key in common, at
least one of them is a reply that names no message, and their dates are near enough.
"""

import msgspec


class Participant(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Somebody in From, To or Cc: the address as it is compared, and the subject key with it."""

    address: str
    key: int


class Threading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a message is joined by."""

    references: tuple[int, ...] = ()
    """Reference keys: its own Message-ID first, then In-Reply-To and References, each under its base subject."""
    participants: tuple[Participant, ...] = ()
    """Nobody where the base subject is empty."""
    is_reply: bool = False
    """Its subject says that it is a reply, and it names no message that it answers."""
