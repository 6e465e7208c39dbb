"""Searches find what a plain look at each mail finds, on either engine and whichever way they take."""

import pytest
from tests.fixtures.factories import AddOwner, Owner, make_message
from tests.store.search_world import SearchWorld

from postroom.domain import Domain
from postroom.domain import search as search_module
from postroom.errors import Kind, PostroomError
from postroom.model.folder import INBOX, ROOT, SENT
from postroom.model.ids import FolderId, FolderRef, LabelId
from postroom.search.query import Criterion, parse_query

TRASH = FolderId(5)


async def search(
    owner: Owner, domain: Domain, criteria: list[Criterion], *folders: FolderId, recursive: bool = False
) -> list[int]:
    """Return the numbers of the mails found."""
    refs = [FolderRef(owner.account_id, folder) for folder in folders or (INBOX,)]
    found = await domain.search.run(
        await owner.caller(), refs, parse_query(criteria, int), recursive=recursive
    )
    return list(found.item_ids)


async def find_text(owner: Owner, domain: Domain, field: str, value: str) -> list[int]:
    return await search(owner, domain, [Criterion(field, value)])


@pytest.mark.parametrize("way", ["lookups", "sets", "facets"])
async def test_searches_agree_with_a_plain_look(
    owner: Owner, domain: Domain, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way != "lookups":
        monkeypatch.setattr(search_module, "FEW", 0 if way == "sets" else 20)
        monkeypatch.setattr(search_module, "_LOOKUP_COST", 1_000_000)
    caller = await owner.caller()
    labels = [(await domain.labels.create(caller, name)).label_id for name in ("One", "Two")]
    world = SearchWorld(owner, seed=sum(way.encode()))
    await world.fill(120, [INBOX, INBOX, SENT], labels)
    hits = 0
    for number in range(250):
        criteria = [world.ask(labels) for _ in range(world.chance.choice((0, 1, 1, 1, 2, 3)))]
        folders = [INBOX] if number % 2 else [INBOX, SENT]
        expected = world.expect(criteria, folders)
        assert await search(owner, domain, criteria, *folders) == expected, criteria
        hits += 0 < len(expected) < len(world.letters) / 2
    assert hits > 80
