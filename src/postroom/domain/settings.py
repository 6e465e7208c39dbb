"""The settings of an account: its own, and for the rest those of its class.

Stored is only what the account has set, so that a class's defaults hold until then. Whatever obeys a setting reads
it where it acts: in a transaction with :func:`read_settings`, else with :meth:`Settings.find`; one look-up by
primary keys each. Nothing is remembered, so that a change holds at once, in every process.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UnsetType

from postroom.config.classes import AccountClass, class_of
from postroom.config.settings import list_timezones
from postroom.errors import bad_parameter, not_found
from postroom.model.account import Caller
from postroom.model.settings import (
    DATE_FORMATS,
    MAX_OPAQUE_BYTES,
    AccountSettings,
    Receipts,
    SettingsChange,
    is_clock_time,
    merge,
)
from postroom.store import Store
from postroom.store.sql.settings import OwnSettings
from postroom.store.tx import Snapshot

_encode = msgspec.json.Encoder().encode
_decode_change = msgspec.json.Decoder(SettingsChange).decode
_decode_text = msgspec.json.Decoder(str).decode


async def read_settings(mailbox: Snapshot, classes: Mapping[str, AccountClass]) -> AccountSettings:
    """Return the settings of an account, with what it has not set from its class; one look-up.

    Raises: notFound where the account has been removed.
    """
    own = await _find_own(mailbox)
    account_class = class_of(classes, own.class_name)
    return merge(_defaults(account_class, own.language), _read_own(own))


async def read_language(mailbox: Snapshot) -> str:
    """Return the language in which an account is written to.

    Raises: notFound where the account has been removed.
    """
    own = await _find_own(mailbox)
    chosen = _read_own(own).language
    return own.language if isinstance(chosen, UnsetType) else chosen


class Settings:
    """The settings of a caller."""

    def __init__(self, store: Store, classes: Mapping[str, AccountClass]) -> None:
        self._store = store
        self._classes = classes

    async def find(self, caller: Caller) -> AccountSettings:
        """Return the caller's settings. Raises: notFound; unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            return await read_settings(mailbox, self._classes)

    async def page_size(self, caller: Caller, limit: int | None) -> int:
        """Return the length of a page: ``limit`` if a call gives one, else what the caller has set.

        Raises: notFound; unavailable.
        """
        return (await self.find(caller)).page_size if limit is None else limit

    async def update(self, caller: Caller, change: SettingsChange) -> None:
        """Set what ``change`` says. Raises: badParameter; notFound; unavailable."""
        await _check(change)
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            own = merge(_read_own(await _find_own(tx)), change)
            await tx.settings.put(_encode(own).decode())

    # What programs keep with an account: texts that mean nothing here. They are stored as JSON strings, since a
    # text of PostgreSQL cannot hold every character.

    async def find_ui(self, caller: Caller) -> str:
        """Return what programs keep of their user interface. Raises: unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            return _read_text(await mailbox.settings.find_ui())

    async def set_ui(self, caller: Caller, text: str) -> None:
        """Keep a text of a program's user interface. Raises: badParameter; notFound; unavailable."""
        data = _pack_text(text, "uiSettings")
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            await tx.settings.put_ui(data)

    async def find_client(self, caller: Caller) -> str:
        """Return what else programs keep. Raises: unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            return _read_text(await mailbox.settings.find_client())

    async def set_client(self, caller: Caller, text: str) -> None:
        """Keep another text of a program. Raises: badParameter; notFound; unavailable."""
        data = _pack_text(text, "clientSettings")
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            await tx.settings.put_client(data)


async def _find_own(mailbox: Snapshot) -> OwnSettings:
    own = await mailbox.settings.find()
    if own is None:
        raise not_found("the account")
    return own


def _read_own(own: OwnSettings) -> SettingsChange:
    return _decode_change(own.data) if own.data else SettingsChange()


def _defaults(account_class: AccountClass, language: str) -> AccountSettings:
    """Return the settings of an account that has set nothing."""
    given: dict[str, Any] = dict(vars(account_class.settings))
    given["receipts"] = Receipts(**vars(account_class.settings.receipts))
    return AccountSettings(language=language, page_size=account_class.page_size, **given)  # type: ignore[arg-type]


async def _check(change: SettingsChange) -> None:
    """Refuse what the types alone do not. Raises: badParameter."""
    if isinstance(change.date_format, str) and change.date_format not in DATE_FORMATS:
        raise bad_parameter("dateFormat", "dateFormat must be a form of a date such as YYYY-MM-DD")
    for name, value in (
        ("startWorkingTime", change.start_working_time),
        ("endWorkingTime", change.end_working_time),
    ):
        if isinstance(value, str) and not is_clock_time(value):
            raise bad_parameter(name, f"{name} must be a time of day such as 09:00:00")
    if isinstance(change.timezone, str) and change.timezone not in await asyncio.to_thread(list_timezones):
        raise bad_parameter("timezone", "timezone must be a name of the IANA time zone database")


def _pack_text(text: str, parameter: str) -> str:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_OPAQUE_BYTES:
        raise bad_parameter(parameter, f"{parameter} must be at most {MAX_OPAQUE_BYTES} bytes of UTF-8")
    return _encode(text).decode()


def _read_text(data: str) -> str:
    return _decode_text(data) if data else ""
