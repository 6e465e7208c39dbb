"""What the filters of incoming mail add to a delivery, in processor time, with no rspamd to wait for.

It cannot be seen from outside, so it is taken in this process, in a small store beside the server's: messages are
made ready to be filed with and without filters, in turn, and the difference is what filters add. The account has all
filters on, long lists and many contacts; what goes to Spam is told by a header.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from postroom.auth.passwords import PasswordHasher
from postroom.bench.corpus import iter_messages
from postroom.bench.results import Goal, make_figure
from postroom.bench.scenarios import Scene
from postroom.compose.addresses import Address
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass
from postroom.config.filters import FiltersConfig
from postroom.domain.collected import collect
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.ingest import Ingest
from postroom.domain.sender_keys import sender_key
from postroom.domain.spam_filters import SpamFilters
from postroom.model.envelope import Envelope, Recipient
from postroom.model.filters import PRESETS, FilterEntry, FilterSetting, ListName
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId
from postroom.store import Store, open_store

_DOMAIN = "example.test"
_HOST = "mx.example.test"
_MESSAGES = 2_000
_BLOCK = 50
_ENTRIES = 1_000
_CONTACTS = 10_000
_DATE = 1_750_000_000
_TRACE = (
    b"Return-Path: <sender@elsewhere.example>\r\n"
    b"Received: from mx.example.test (unix)\r\n\tby mail.example.test with LMTP id 1;\r\n"
    b"\tSun, 15 Jun 2025 15:06:40 +0000\r\n"
    b"Authentication-Results: mx.example.test; dmarc=pass (p=reject) header.from=elsewhere.example;\r\n"
    b"\tspf=pass smtp.mailfrom=sender@elsewhere.example; dkim=pass header.d=elsewhere.example\r\n"
    b"Received: from out.elsewhere.example (out.elsewhere.example [192.0.2.1])\r\n"
    b"\tby mx.example.test with ESMTPS id 2; Sun, 15 Jun 2025 15:06:39 +0000\r\n"
)
_SPAM = b"X-Spam-Flag: YES\r\n"


def measure_filters(scene: Scene) -> None:
    """Take all figures of this kind."""
    count = min(_MESSAGES, scene.mailbox.size)
    messages = list(iter_messages(count, seed=scene.mailbox.seed))
    directory = scene.mailbox.directory / "filtering"
    directory.mkdir(parents=True, exist_ok=True)
    inbox, spam = asyncio.run(_take_costs(directory, messages))
    note = f"all on, lists of {_ENTRIES:,}, {_CONTACTS:,} contacts"
    for name, value in (("to the Inbox", inbox), ("to Spam", spam)):
        scene.take(
            make_figure(
                "deliveries",
                f"filters, added to a delivery {name}",
                unit="ms CPU",
                repeats=[value],
                goal=Goal(1, at_most=True),
                note=note,
            )
        )


async def _take_costs(directory: Path, messages: Sequence[bytes]) -> tuple[float, float]:
    store = await open_store("sqlite:", directory)
    hasher = PasswordHasher(AuthConfig())
    try:
        classes = {"default": AccountClass()}
        accounts = Directory(store, hasher, classes)
        await accounts.add_domain(_DOMAIN)
        account = await accounts.add_account(f"bench@{_DOMAIN}", AccountSettings(password="x" * 16))
        await _fill(store, account.account_id)
        filters = SpamFilters(store, FiltersConfig(trusted_hosts=(_HOST,)))
        plain, filtering = Ingest(store, classes), Ingest(store, classes, filters=filters)
        costs = []
        for top in (_TRACE, _SPAM + _TRACE):
            raws = [top + raw for raw in messages]
            costs.append(await _compare(plain, filtering, raws, account_id=account.account_id))
        return costs[0], costs[1]
    finally:
        hasher.close()
        await store.close()


async def _fill(store: Store, account_id: AccountId) -> None:
    """Give an account lists and contacts that none of the messages is from."""
    names: tuple[ListName, ...] = ("white", "black")
    async with store.transaction(account_id) as tx:
        await tx.lock()
        await tx.filters.put(FilterSetting(enabled_filters=PRESETS["strong"]))
        for name in names:
            for number in range(_ENTRIES):
                entry = FilterEntry(await tx.filters.take_entry_id(), f"{name}{number}@listed.example")
                await tx.filters.add(name, entry, key=sender_key(entry.pattern))
        await collect(
            tx, [Address("", f"contact{number}", "known.example") for number in range(_CONTACTS)], now=0
        )


async def _compare(
    plain: Ingest, filtering: Ingest, messages: Sequence[bytes], *, account_id: AccountId
) -> float:
    """Return how many milliseconds of processor time one takes more than the other, for a message."""
    recipient = Recipient(f"bench@{_DOMAIN}", account_id, INBOX, "")
    envelope = Envelope("sender@elsewhere.example", (recipient,), "unix", _HOST, False, True)
    seconds = {plain: 0.0, filtering: 0.0}
    for start in range(0, len(messages), _BLOCK):
        for ingest in (plain, filtering):
            started = time.process_time()
            for raw in messages[start : start + _BLOCK]:
                await ingest.receive(envelope, raw)
            seconds[ingest] += time.process_time() - started
    return max(0.0, seconds[filtering] - seconds[plain]) * 1000 / max(1, len(messages))
