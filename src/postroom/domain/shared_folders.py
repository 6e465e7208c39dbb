"""Folders that others share with a caller: which they are, where they stand, and what changed of them.

What others share stands under two roots: ``~Other users' folders`` with a container for each owner, and ``~Public
Folders``. A shared folder is shown below its parent where the caller may list that too, else in its container.
Counters and states of such folders are the caller's own.

A state of these lists is told by a few numbers an owner: a digest of all that is shown but counters and contents, and
the position of the last change of a content. Where the digest differs, the client is told the whole container anew;
so nothing need be remembered of grants that are gone, or of folders that were renamed or moved.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from postroom.domain.access import asker_of
from postroom.domain.tokens import SyncToken
from postroom.model.account import Caller
from postroom.model.folder import ROOT, Folder
from postroom.model.ids import FolderId
from postroom.model.sharing import Asker, SharedFolder, SharedOwner
from postroom.store.tx import Snapshot

MOST_OF_READER = 2000
"""Grants for one reader, of all folders of the store: every listing of his folders reads them all."""
MOST_GRANTS = 3 * MOST_OF_READER
OWN, PUBLIC, SHARED = "local", "public", "shared"
MODES = {
    "all": frozenset({OWN, PUBLIC, SHARED}),
    OWN: frozenset({OWN}),
    PUBLIC: frozenset({PUBLIC}),
    SHARED: frozenset({SHARED}),
}
"""The ways of reaching folders that an access mode stands for."""
_encode = msgspec.msgpack.Encoder().encode


class Standing(NamedTuple):
    """Where the folders stand that an owner shares with a reader.

    Attributes:
        owner: the number of the owner; it is negative for public folders.
        digest: of all that is shown of the folders but their counters and contents.
        modseq: the position of the last change of a folder's content, as the reader has it.
    """

    owner: int
    digest: int
    modseq: int


async def list_shared(mailbox: Snapshot, caller: Caller | Asker, modes: frozenset[str]) -> list[SharedOwner]:
    """Return what others share with a caller, so far as it is reached in these ways; folders parents first."""
    if not modes & {PUBLIC, SHARED}:
        return []
    owners = await mailbox.grants.list_shared(asker_of(caller), limit=MOST_GRANTS)
    return [
        owner._replace(folders=_parents_first(owner.folders))
        for owner in owners
        if (PUBLIC if owner.is_public else SHARED) in modes
    ]


def _parents_first(shared: Sequence[SharedFolder]) -> list[SharedFolder]:
    """Return shared folders with the parents that they are shown below, each after its parent."""
    there = {one.folder.folder_id: one for one in shared}
    placed = [
        one.folder._replace(parent_id=one.folder.parent_id if one.folder.parent_id in there else ROOT)
        for one in shared
    ]
    return [SharedFolder(folder, there[folder.folder_id].rights) for folder in parents_first(placed)]


def stand(owner: SharedOwner) -> Standing:
    """Return where the folders stand that an owner shares."""
    shown = [
        (
            one.rights,
            *(folder := one.folder)[1:6],
            folder.is_special,
            folder.takes_subfolders,
            folder.uid_validity,
        )
        for one in owner.folders
    ]
    packed = _encode((owner.address, owner.full_name, shown))
    digest = int.from_bytes(hashlib.blake2b(packed, digest_size=7).digest())
    number = -owner.account_id if owner.is_public else int(owner.account_id)
    return Standing(number, digest, max((int(one.folder.content_modseq) for one in owner.folders), default=0))


# What changed


class ContainerDelta(NamedTuple):
    """What changed of the folders that one owner shares.

    Attributes:
        owner: who shares them; his folders are those that have changed, or all where the container is told anew.
        is_new: the client does not have the container.
        is_reset: the container is told anew, as a whole.
    """

    owner: SharedOwner
    is_new: bool = False
    is_reset: bool = False


class SharedDelta(NamedTuple):
    """What changed of the folders that others share."""

    has_namespace: bool = False
    """Somebody shares folders that are not public."""
    had_namespace: bool = False
    """That was so at the client's position."""
    containers: tuple[ContainerDelta, ...] = ()
    gone: tuple[int, ...] = ()
    """Owners who share nothing any more, as standings have them."""


def read_standings(token: SyncToken | None) -> list[Standing]:
    """Return where the folders of others stood that a token tells of."""
    numbers = [] if token is None else [int(number) for number in token.scope[2:]]
    return [Standing(*numbers[start : start + 3]) for start in range(0, len(numbers), 3)]


def compare_shared(owners: Sequence[SharedOwner], known: Sequence[Standing]) -> SharedDelta:
    """Return what changed of the folders of others.

    Of an owner who shares the same folders in the same way, only those are told whose content has changed; else his
    container is told anew.
    """
    before = {one.owner: one for one in known}
    containers: list[ContainerDelta] = []
    for owner in owners:
        present = stand(owner)
        past = before.get(present.owner)
        if past == present:
            continue
        if past is None or past.digest != present.digest or past.modseq > present.modseq:
            containers.append(ContainerDelta(owner, is_new=past is None, is_reset=past is not None))
            continue
        changed = [one for one in owner.folders if one.folder.content_modseq > past.modseq]
        containers.append(ContainerDelta(owner._replace(folders=changed)))
    there = {stand(owner).owner for owner in owners}
    return SharedDelta(
        any(one > 0 for one in there),
        any(one > 0 for one in before),
        tuple(containers),
        tuple(set(before) - there),
    )


def parents_first(folders: Sequence[Folder]) -> list[Folder]:
    """Return the folders such that each comes after its parent, siblings by number."""
    children: dict[FolderId, list[Folder]] = {}
    for folder in folders:
        children.setdefault(folder.parent_id, []).append(folder)
    ordered: list[Folder] = []
    waiting = list(reversed(children.get(ROOT, [])))
    while waiting:
        folder = waiting.pop()
        ordered.append(folder)
        waiting.extend(reversed(children.get(folder.folder_id, [])))
    return ordered
