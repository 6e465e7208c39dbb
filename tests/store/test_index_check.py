"""A check sees what an index of FTS5 has lost, also where its pages can be read."""

from pathlib import Path

import pytest
from tests.fixtures.factories import Owner, make_message, open_owner, remove_mail

from postroom.domain.check import check_store
from postroom.store import open_store
from postroom.store.index_check import find_index_faults


async def _fill(owner: Owner) -> None:
    words = " ".join(f"word{number}" for number in range(600))
    for number in range(40):
        ref = await owner.add_mail(make_message(subject=f"Giraffe {number}", body=f"{words} only{number}"))
        if number % 5 == 0:
            async with owner.store.transaction(owner.account_id) as tx:
                await tx.lock()
                await remove_mail(tx, ref.folder, ref.uid)


async def test_what_is_right_is_right(owner: Owner) -> None:
    await _fill(owner)
    for _ in range(2):
        assert await find_index_faults(owner.store.engine) == []
        while await owner.store.engine.tidy_index():
            pass


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        ("UPDATE fulltext_data SET block = zeroblob(20) WHERE id = 10", "words in body, there must be"),
        ("DELETE FROM fulltext_idx", "words that searches do not find"),
        ("DELETE FROM fulltext_docsize WHERE id % 3 = 0", "words in subject, there must be"),
        ("UPDATE fulltext_data SET block = zeroblob(length(block)) WHERE id > 10", "corruption"),
        ("DELETE FROM fulltext_data WHERE id > 10", "corruption"),
    ],
)
async def test_damage_is_seen(tmp_path: Path, damage: str, word: str) -> None:
    owner = await open_owner(tmp_path)
    await _fill(owner)
    while await owner.store.engine.tidy_index():
        pass
    async with owner.store.engine.write() as connection:
        await connection.execute(damage)
    await owner.store.close()
    # Opened again, for a connection remembers what it has read of an index.
    store = await open_store("sqlite:", tmp_path)
    found = [fault.what for fault in (await check_store(store)).findings]
    await store.close()
    assert any(word in line for line in found), found
