"""Steps: what a transaction did to a mailbox, as the operation log keeps it.

Who tells others of changes (events, webhooks) and who takes them back (undo, history) read the same steps. A mail is
named by its number within the account, which it keeps wherever it goes, and by its uids. Each step but
:class:`Remove` can be taken back by another.

An entry of the log is a :class:`Record` in JSON.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

UNREAD, FLAGGED = 1, 2
"""Bits of the states in :class:`Mark`."""


class Moved(NamedTuple):
    """A mail, with its uid in the folder it left and in the one it came to."""

    item_id: int
    old_uid: int
    new_uid: int


class Copied(NamedTuple):
    """A copy with its uid, and the mail it is a copy of."""

    item_id: int
    uid: int
    source_id: int


class Listed(NamedTuple):
    """A mail with its uid."""

    item_id: int
    uid: int


class Marked(NamedTuple):
    """A mail with its uid, and its state before and after."""

    item_id: int
    uid: int
    before: int
    after: int


class Reached(NamedTuple):
    """A recipient of a mail that was sent, with the enhanced status code and the text of the answer."""

    address: str
    status: str
    answer: str


class Place(NamedTuple):
    """Where a folder is: its parent and its name."""

    parent_id: int
    name: str


class Deliver(msgspec.Struct, tag="deliver", array_like=True, frozen=True):
    """A message came in from outside."""

    folder_id: int
    mails: list[Listed]


class Move(msgspec.Struct, tag="move", array_like=True, frozen=True):
    """Mails went from one folder to another."""

    source: int
    target: int
    mails: list[Moved]


class Copy(msgspec.Struct, tag="copy", array_like=True, frozen=True):
    """Copies were made in a folder."""

    folder_id: int
    mails: list[Copied]


class Uncopy(msgspec.Struct, tag="uncopy", array_like=True, frozen=True):
    """Copies were removed from a folder: a copy was taken back."""

    folder_id: int
    mails: list[Copied]


class Insert(msgspec.Struct, tag="insert", array_like=True, frozen=True):
    """Mails were put into a folder by their owner: written, or sent."""

    folder_id: int
    mails: list[Listed]


class Replace(msgspec.Struct, tag="replace", array_like=True, frozen=True):
    """Mails of a folder got another content. It cannot be taken back."""

    folder_id: int
    mails: list[Listed]


class Refer(msgspec.Struct, tag="refer", array_like=True, frozen=True):
    """Mails of a folder were answered or forwarded, or that was taken back; the states are bits of ``refw``."""

    folder_id: int
    mails: list[Marked]


class Remove(msgspec.Struct, tag="remove", array_like=True, frozen=True):
    """Mails were removed for good. It cannot be taken back."""

    folder_id: int
    mails: list[Listed]


class Mark(msgspec.Struct, tag="mark", array_like=True, frozen=True):
    """The unread or flagged state of mails of a folder changed."""

    folder_id: int
    mails: list[Marked]


class Label(msgspec.Struct, tag="label", array_like=True, frozen=True):
    """A label was put on mails of a folder, or taken off."""

    folder_id: int
    label_id: int
    is_on: bool
    mails: list[Listed]


class Dispatch(msgspec.Struct, tag="dispatch", array_like=True, frozen=True):
    """A mail that was sent has arrived at mailboxes here, or was taken on by another server.

    ``folder_id`` and ``copies`` are where its copy is; 0 and none where there is none. It is about what is outside
    the mailbox: nothing in it has changed, and nothing can be taken back.
    """

    folder_id: int
    copies: list[Listed]
    processing_id: int
    recipients: list[Reached]


class Bounce(msgspec.Struct, tag="bounce", array_like=True, frozen=True):
    """A mail that was sent could not be delivered to recipients, for good; the rest is as for :class:`Dispatch`."""

    folder_id: int
    copies: list[Listed]
    processing_id: int
    recipients: list[Reached]


class MakeFolder(msgspec.Struct, tag="makeFolder", array_like=True, frozen=True):
    """A folder was made."""

    folder_id: int
    place: Place
    folder_type: str


class DropFolder(msgspec.Struct, tag="dropFolder", array_like=True, frozen=True):
    """An empty folder was removed: the making of one was taken back."""

    folder_id: int
    place: Place
    folder_type: str


class PlaceFolder(msgspec.Struct, tag="placeFolder", array_like=True, frozen=True):
    """A folder was renamed or moved."""

    folder_id: int
    before: Place
    after: Place


class RemoveFolder(msgspec.Struct, tag="removeFolder", array_like=True, frozen=True):
    """A folder was removed for good, with all that was in it. It cannot be taken back."""

    folder_id: int
    place: Place


Step = (
    Deliver
    | Insert
    | Replace
    | Refer
    | Move
    | Copy
    | Uncopy
    | Remove
    | Mark
    | Label
    | Dispatch
    | Bounce
    | MakeFolder
    | DropFolder
    | PlaceFolder
    | RemoveFolder
)


def split_step(step: Step) -> Iterator[tuple[int, Step]]:
    """Yield what a step did to each mail (for a copy, to the mail it is of), as a step of its own."""
    for mail in getattr(step, "mails", ()):
        item_id = mail.source_id if isinstance(mail, Copied) else mail.item_id
        yield item_id, msgspec.structs.replace(step, mails=[mail])


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the log: what was done, in this order.

    Attributes:
        steps: what was done.
        sender: the reverse-path of what was delivered.
        undoes: the operation that was taken back by this one; 0 if none.
    """

    steps: list[Step] = []
    sender: str = ""
    undoes: int = 0


read_record = msgspec.json.Decoder(Record).decode
"""Return the record in an entry's ``data``."""
