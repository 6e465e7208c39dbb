"""What others share with an account, as its event streams are told of it.

Changes of shared folders have no place in the reader's own history: they are made in that of their owners, and what
is given and taken is in no history that he sees. So nothing of them is told by position. The feed compares what is
there with what was there at its last reading; what differs gets a new version, and a stream is told all that has a
higher version than it knows. A stream that begins, or goes on where it is not known what it was told, is told all
that is there.

The id of an event says what its reader knows: above :data:`MARK`, that something was shared; and where he had been
told everything, by a digest, just what. Who goes on from there while the digest is the same has missed nothing; who
goes on after everything was taken from him is told so. A folder that is no longer shared is not there, and nothing is
told of it.

The feed is woken by the owners of what is shared, of as many as :data:`MOST_OWNERS`, and whenever something is given
to the account or to everybody. What others do is found at the next reading, a heartbeat later at the latest.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from postroom.domain.access import LIST, READ
from postroom.domain.shared_folders import Standing, stand
from postroom.model.folder import Folder
from postroom.model.ids import AccountId
from postroom.model.sharing import SharedOwner

MARK = 5 * 10**17
"""From here on the numbers of events are of streams that something shared is told to."""
MOST_OWNERS = 100
_DIGESTS = 10**17
_encode = msgspec.msgpack.Encoder().encode


class SharedThing(NamedTuple):
    """What an event tells of, in its newest version; no folder stands for the list of folders."""

    version: int
    kind: str
    folder: Folder | None


class Kinds(NamedTuple):
    """The names of the kinds of events."""

    folders: str
    counters: str
    mails: str
    contacts: str


class SharedFeed:
    """The things that others share with one account, and their versions."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._things: dict[tuple[int, int, str], tuple[tuple[object, ...], SharedThing]] = {}
        self.version = 0
        self.standings: tuple[Standing, ...] = ()
        self.digest = 0
        """Of all that is shared; 0 where that is nothing."""
        self.owners: frozenset[AccountId] = frozenset()

    def note(self, owners: Sequence[SharedOwner]) -> None:
        """Note what is shared now."""
        self.standings = tuple(stand(owner) for owner in owners)
        self.digest = _digest(self.standings)
        self.owners = frozenset(owner.account_id for owner in owners[:MOST_OWNERS])
        known, self._things = self._things, {}
        for owner in owners:
            for one in owner.folders:
                for kind, state in self._list_of(one.folder, one.rights):
                    self._put(known, kind, state, folder=one.folder)
        # The list has the highest version of what changed with it: it is told last.
        self._put(known, self._kinds.folders, (self.standings,), folder=None)

    def _list_of(self, folder: Folder, rights: str) -> Iterable[tuple[str, tuple[object, ...]]]:
        """Yield what is told of a folder, with the state by which one sees that it has changed."""
        content = (folder.uid_validity, folder.content_modseq)
        if folder.folder_type == "mails":
            if LIST in rights:
                yield self._kinds.counters, (folder.unread_items, folder.total_items)
            if READ in rights:
                yield self._kinds.mails, content
        elif folder.folder_type == "contacts" and READ in rights:
            yield self._kinds.contacts, content

    def _put(
        self,
        known: dict[tuple[int, int, str], tuple[tuple[object, ...], SharedThing]],
        kind: str,
        state: tuple[object, ...],
        *,
        folder: Folder | None,
    ) -> None:
        key = (0, 0, kind) if folder is None else (folder.account_id, folder.folder_id, kind)
        before = known.get(key)
        if before is None or before[0] != state:
            self.version += 1
            version = self.version
        else:
            version = before[1].version
        self._things[key] = (state, SharedThing(version, kind, folder))

    def list_behind(self, version: int, kinds: Iterable[str]) -> list[SharedThing]:
        """Return the things of some kinds whose version is higher, in its order."""
        if version >= self.version:
            return []
        wanted = frozenset(kinds)
        found = (thing for _, thing in self._things.values())
        return sorted(thing for thing in found if thing.version > version and thing.kind in wanted)

    # Numbers of events

    def begin(self) -> int:
        """Return the version that a new stream knows: what is shared it is told, that nothing is it is not."""
        return 0 if self.digest else self.version

    def resume(self, number: int, end: int) -> tuple[int, int]:
        """Return, of the number of an event, the part that is about the account's own, and the version known.

        Args:
            number: the number.
            end: what the first part has at least where everything was told.
        """
        known: int | None = 0
        if number >= MARK:
            number -= MARK
            known = number - end if number > end else None
            number = min(number, end)
        return number, self.version if known == self.digest else 0

    def number(self, number: int, end: int, *, is_all: bool) -> int:
        """Return the number of an event whose part about the account's own is ``number``.

        ``is_all``: its reader has been told everything.
        """
        if not self.digest:
            return number
        return MARK + (end + self.digest if is_all else number)


def _digest(standings: Sequence[Standing]) -> int:
    if not standings:
        return 0
    packed = hashlib.blake2b(_encode(standings), digest_size=8).digest()
    return 1 + int.from_bytes(packed) % (_DIGESTS - 1)
