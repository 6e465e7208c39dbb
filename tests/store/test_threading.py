"""Conversations follow from the mails alone: whatever the order of their coming, whatever was done before."""

import itertools

import pytest

from postroom.content.digest import Digest
from postroom.domain.filing import copy_mails, move_mails, remove_mails
from postroom.domain.rewriting import make_draft
from postroom.model.folder import SENT
from postroom.model.ids import FolderId, ItemId
from postroom.store.sql.mails import Located
from tests.fixtures.factories import DATE, Owner
from tests.store.thread_world import DAY, assert_threaded, file, letter, list_conversations

TRASH, SPAM = FolderId(5), FolderId(6)

THREADS: dict[str, tuple[list[tuple[str, dict[str, object]]], list[int]]] = {
    "a chain of references": (
        [("a", {}), ("b", {"answers": ["a"]}), ("c", {"answers": ["a", "b"]}), ("d", {"in_reply_to": "c"})],
        [1, 1, 1, 1],
    ),
    "an absent mail that both name": ([("a", {"answers": ["x"]}), ("b", {"answers": ["x"]})], [1, 1]),
    "two conversations and the mail that connects them": (
        [("a", {}), ("b", {}), ("c", {"answers": ["a", "b"]}), ("d", {"answers": ["b"]})],
        [1, 1, 1, 1],
    ),
    "another subject": (
        [
            ("a", {}),
            ("b", {"answers": ["a"], "subject": "Dinner"}),
            ("c", {"answers": ["b"], "subject": "Re: Dinner"}),
        ],
        [1, 2, 2],
    ),
    "marks of replies and lists": (
        [
            ("a", {"subject": "[eaters]  LUNCH"}),
            ("b", {"answers": ["a"], "subject": "Re: [eaters] AW: Lunch (fwd)"}),
        ],
        [1, 1],
    ),
    "a reply without references": (
        [("a", {}), ("b", {"subject": "Re: lunch"}), ("c", {"subject": "Lunch", "from_": "carl@other.test"})],
        [1, 1, 2],
    ),
    "mails of one subject, none a reply": ([("a", {}), ("b", {}), ("c", {})], [1, 2, 3]),
    "one reply joins all that are near": (
        [
            ("a", {}),
            ("b", {"date": 10 * DAY}),
            ("c", {"subject": "Re: Lunch", "date": 20 * DAY}),
            ("d", {"date": 51 * DAY}),
        ],
        [1, 1, 1, 2],
    ),
    "replies reach from one to the next": (
        [
            ("a", {}),
            ("b", {"subject": "Re: Lunch", "date": 30 * DAY}),
            ("c", {"subject": "Re: Lunch", "date": 60 * DAY}),
            ("d", {"date": 90 * DAY}),
        ],
        [1, 1, 1, 1],
    ),
    "a day too late": ([("a", {}), ("b", {"subject": "Re: Lunch", "date": 30 * DAY + 1})], [1, 2]),
    "a reply with references joins nothing by its subject": (
        [
            ("a", {}),
            ("b", {"subject": "Re: Lunch", "answers": ["z"]}),
            ("c", {"subject": "Re: Lunch", "from_": "x@y.test"}),
        ],
        [1, 2, 3],
    ),
    "the account itself is nobody in common": (
        [("a", {"from_": "b@b.test"}), ("b", {"subject": "Re: Lunch", "from_": "c@c.test"})],
        [1, 2],
    ),
    "no subject": ([("a", {"subject": ""}), ("b", {"subject": "Re:"})], [1, 2]),
    "itself and a loop": ([("a", {"answers": ["a", "b"]}), ("b", {"answers": ["a", "b"]})], [1, 1]),
}


def make(name: str, mark: str, options: dict[str, object], owner: Owner) -> tuple[Digest, int]:
    """Return a message and its date; the names in it are made other ones by ``mark``."""
    given = dict(options)
    date = given.pop("date", 0)
    assert isinstance(date, int)
    for field in ("answers",):
        if field in given:
            given[field] = [one + mark for one in given[field]]  # type: ignore[attr-defined]
    if "in_reply_to" in given:
        given["in_reply_to"] = f"{given['in_reply_to']}{mark}"
    subject = str(given.pop("subject", "Lunch"))
    if subject.removesuffix("(fwd)").strip(" :Re"):
        subject = f"{subject.removesuffix(' (fwd)')} {mark}{' (fwd)' if '(fwd)' in subject else ''}"
    given.setdefault("to", owner.account.address)
    return letter(name + mark, subject=subject, **given), DATE + date  # type: ignore[arg-type]


def partition(numbers: list[int]) -> list[int]:
    """Return for each the place of the first that is the same."""
    return [numbers.index(number) for number in numbers]


@pytest.mark.parametrize("thread", THREADS)
async def test_every_order_of_coming_gives_the_same(owner: Owner, thread: str) -> None:
    letters, expected = THREADS[thread]
    for mark, order in enumerate(itertools.permutations(range(len(letters)))):
        items: dict[int, ItemId] = {}
        for index in order:
            name, options = letters[index]
            digest, date = make(name, f"-{mark}", options, owner)
            items[index] = (await file(owner, digest, date=date)).item_id
        numbers = await list_conversations(owner)
        found = [numbers[items[index]] for index in range(len(letters))]
        assert partition(found) == partition(expected), order
        for number in set(found):
            # It has the number of one of its mails: of that which came first, or of the older one that was joined.
            assert number in items.values()
    await assert_threaded(owner)
