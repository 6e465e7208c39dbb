"""What accounts set of the filters of incoming mail: the lists, and which filters are on.

Entries of a list are compared by a key (:mod:`postroom.domain.sender_keys`), and no two of a list have the same; they
are shown as they were given. Numbers of entries are never used twice.
"""

from typing import NamedTuple

from postroom.domain.access import require_own
from postroom.domain.sender_keys import pattern_key
from postroom.errors import Kind, PostroomError, bad_parameter, not_found, not_permitted
from postroom.model.account import Caller
from postroom.model.filters import (
    FILTER_NAMES,
    PRESETS,
    EntryRef,
    FilterEntry,
    FilterSetting,
    ListName,
    Preset,
    bits_of,
)
from postroom.store import Store
from postroom.store.tx import Transaction

MAX_ENTRIES = 10_000
"""Entries of a list."""
_PARAMETER = "emailAddress"


class EntryPage(NamedTuple):
    """A part of a list, and how long all of it is."""

    total_items: int
    entries: list[FilterEntry]


class FilterSettings:
    """The filters that callers set. Each raises unavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # The options and the filters

    async def find(self, caller: Caller) -> FilterSetting:
        """Return what the caller has set."""
        async with self._store.peek(caller.account_id) as mailbox:
            return await mailbox.filters.find()

    async def set_options(
        self, caller: Caller, *, includes_address_book: bool | None, excludes_address_book: bool | None
    ) -> FilterSetting:
        """Set what the address book means for the lists; None leaves one as it is. Returns what is set then."""
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            setting = await _find_locked(tx)
            if includes_address_book is not None:
                setting = setting._replace(includes_address_book=int(includes_address_book))
            if excludes_address_book is not None:
                setting = setting._replace(excludes_address_book=int(excludes_address_book))
            await tx.filters.put(setting)
        return setting

    async def switch(self, caller: Caller, number: int, *, is_on: bool) -> None:
        """Turn a filter on or off. Raises: notFound."""
        if number not in FILTER_NAMES:
            raise not_found("the filter")
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            setting = await _find_locked(tx)
            others = setting.enabled_filters & ~bits_of(number)
            await tx.filters.put(setting._replace(enabled_filters=others | (bits_of(number) if is_on else 0)))

    async def use_preset(self, caller: Caller, preset: Preset) -> None:
        """Turn on the filters of a preset, and the others off."""
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            setting = await _find_locked(tx)
            await tx.filters.put(setting._replace(enabled_filters=PRESETS[preset]))

    # The lists

    async def list_entries(self, caller: Caller, name: ListName, *, start: int, limit: int) -> EntryPage:
        """Return a part of a list, oldest first."""
        async with self._store.read(caller.account_id) as mailbox:
            count = await mailbox.filters.count(name)
            return EntryPage(count, await mailbox.filters.list_entries(name, start=start, limit=limit))

    async def add(self, caller: Caller, name: ListName, pattern: str) -> FilterEntry:
        """Put an address or domain on a list. Raises: badParameter; conflict, if it is there; notPermitted."""
        pattern, key = _check(pattern)
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            await _check_free(tx, name, key, but=None)
            if await tx.filters.count(name) >= MAX_ENTRIES:
                raise not_permitted(f"a list has at most {MAX_ENTRIES} entries")
            entry = FilterEntry(await tx.filters.take_entry_id(), pattern)
            await tx.filters.add(name, entry, key=key)
        return entry

    async def change(self, caller: Caller, name: ListName, ref: EntryRef, *, pattern: str) -> FilterEntry:
        """Give an entry another address. Raises: badParameter; conflict; notFound."""
        pattern, key = _check(pattern)
        require_own(caller, ref.owner, "the entry")
        entry = FilterEntry(ref.entry_id, pattern)
        async with self._store.transaction(ref.owner, session_id=caller.session_id) as tx:
            await tx.lock()
            await _check_free(tx, name, key, but=ref.entry_id)
            if not await tx.filters.change(name, entry, key=key):
                raise not_found("the entry")
        return entry

    async def delete(self, caller: Caller, name: ListName, ref: EntryRef) -> None:
        """Take an entry off a list. Raises: notFound."""
        require_own(caller, ref.owner, "the entry")
        async with self._store.transaction(ref.owner, session_id=caller.session_id) as tx:
            await tx.lock()
            if not await tx.filters.delete(name, ref.entry_id):
                raise not_found("the entry")


def preset_of(setting: FilterSetting) -> Preset | None:
    """Return the preset that matches, None if none does."""
    return next((preset for preset, bits in PRESETS.items() if bits == setting.enabled_filters), None)


def _check(pattern: str) -> tuple[str, str]:
    """Return what is shown and what is compared. Raises: badParameter."""
    pattern = pattern.strip()
    if not pattern:
        raise bad_parameter(_PARAMETER, f"{_PARAMETER} is empty")
    return pattern, pattern_key(pattern, parameter=_PARAMETER)


async def _find_locked(tx: Transaction) -> FilterSetting:
    await tx.lock()
    return await tx.filters.find()


async def _check_free(tx: Transaction, name: ListName, key: str, *, but: int | None) -> None:
    if await tx.filters.find_number(name, key) not in {None, but}:
        raise PostroomError(Kind.CONFLICT, "conflict", "the list has this address already")
