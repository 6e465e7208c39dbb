"""Connected components of mails: which belong together, by their keys alone.

This is the definition that all else of conversations follows: two mails belong together that have a reference key in
common; or a subject key, if their dates are near and at least one of them is a reply that names no message.
"""

from collections.abc import Iterable, Sequence

from postroom.store.sql.threads import NEAR_SECONDS, Keyed


class _Groups:
    """Disjoint sets of numbers from 0 (Tarjan, 1975), with path halving."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def find(self, one: int) -> int:
        parents = self._parents
        while parents[one] != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        return one

    def join(self, one: int, other: int) -> None:
        first, second = self.find(one), self.find(other)
        if first != second:
            self._parents[max(first, second)] = min(first, second)


def find_components(mails: Sequence[Keyed]) -> list[list[Keyed]]:
    """Return the mails that belong together, each list in the order of date and number, the oldest list first."""
    ordered = sorted(mails, key=lambda mail: (mail.date, mail.item_id))
    groups = _Groups(len(ordered))
    holders: dict[int, int] = {}
    replies: dict[int, list[int]] = {}
    for number, mail in enumerate(ordered):
        for key in mail.references:
            groups.join(holders.setdefault(key, number), number)
        if mail.is_reply:
            for key in mail.subjects:
                replies.setdefault(key, []).append(number)
    if replies:
        _join_by_subject(ordered, replies, groups)
    found: dict[int, list[Keyed]] = {}
    for number, mail in enumerate(ordered):
        found.setdefault(groups.find(number), []).append(mail)
    return list(found.values())


def _join_by_subject(ordered: Sequence[Keyed], replies: dict[int, list[int]], groups: _Groups) -> None:
    # Going through the mails by date, the last reply with a key is the nearest before; backwards, the nearest after.
    for numbers in (range(len(ordered)), range(len(ordered) - 1, -1, -1)):
        last: dict[int, int] = {}
        for number in numbers:
            mail = ordered[number]
            for key in mail.subjects:
                near = last.get(key)
                if near is not None and abs(ordered[near].date - mail.date) <= NEAR_SECONDS:
                    groups.join(near, number)
                if mail.is_reply:
                    last[key] = number


def shared_subjects(mails: Iterable[Keyed]) -> list[int]:
    """Return the subject keys that several mails have, at least one of them a reply that names no message."""
    seen: dict[int, list[bool]] = {}
    for mail in mails:
        for key in mail.subjects:
            seen.setdefault(key, []).append(mail.is_reply)
    return [key for key, kinds in seen.items() if len(kinds) > 1 and any(kinds)]
