"""The store: whether the database answers and fits this program, and whether blobs can be written and read."""

import asyncio
import hashlib
import secrets
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from postroom.app.doctor.files import find_other_owner
from postroom.app.doctor.finding import Finding, ok, problem, skipped
from postroom.app.doctor.machine import compare_clocks
from postroom.auth.key_file import KeyFile
from postroom.config.root import Config
from postroom.domain.server_secrets import META_NAME
from postroom.errors import PostroomError
from postroom.model.ids import AccountId
from postroom.store import DATABASE_FILE, Store, open_store_as_it_is
from postroom.store.closed import refuse_closed
from postroom.store.engine.base import Description
from postroom.store.migrations import Schema, find_schema

NOBODY: Final = AccountId(0)
"""No account has this number."""
_PROBE_BYTES: Final = 100_000
_POLL_SECONDS: Final = 0.01
_turn: Final = threading.Lock()


class NotThereError(Exception):
    """There is no store to be looked at; the message says why."""


@asynccontextmanager
async def opened_as_it_is(config: Config) -> AsyncIterator[Store]:
    """Open the store without making or changing anything. Raises: NotThereError, unavailable."""
    if config.store.url == "sqlite:" and not (config.data_dir / DATABASE_FILE).exists():
        raise NotThereError(f"there is no database {config.data_dir / DATABASE_FILE}")
    async with _taking_turns():
        store = await open_store_as_it_is(config.store.url, config.data_dir, blobs=config.blobs)
        try:
            if not (await store.engine.describe()).has_schema:
                raise NotThereError("the database is empty")
            yield store
        finally:
            await store.close()


@asynccontextmanager
async def _taking_turns() -> AsyncIterator[None]:
    """Let one check at a time have the store: an engine belongs to one thread of a process."""
    while not _turn.acquire(blocking=False):  # noqa: ASYNC110 (another thread lets go of it)
        await asyncio.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        _turn.release()


async def check_database(config: Config) -> list[Finding]:
    """Connect, and compare version, encoding, schema, server keys and time."""
    try:
        async with opened_as_it_is(config) as store:
            return await _look_at(store, config)
    except NotThereError as error:
        return [problem("database", str(error), "run postroom init")]
    except PostroomError as error:
        text = error.message + (f" ({error.private})" if error.private else "")
        if error.code in {"storeUnfinished", "storeMoved"}:
            text, _, remedy = text.partition(": ")
            return [problem("database", text, remedy)]
        return [problem("database", text, _remedy(config, error))]


def _remedy(config: Config, error: PostroomError) -> str:
    if error.code in {"schemaTooNew", "schemaChanged"}:
        return "run the version of Postroom that the text names"
    if config.store.url == "sqlite:":
        return f"see that {config.data_dir / DATABASE_FILE} can be read and written, and is whole: postroom check"
    return "see that PostgreSQL runs and can be reached, and that store.url names user, password and database rightly"


async def _look_at(store: Store, config: Config) -> list[Finding]:
    asked = time.time()
    database = await store.engine.describe()
    here = (asked + time.time()) / 2
    found = []
    if database.now is not None:
        found.append(compare_clocks("the database", here - database.now))
    if database.encoding.upper().replace("-", "") != "UTF8":
        text = f"the encoding of the database is {database.encoding}"
        found.append(
            problem(
                "database", text, "make a database in UTF-8: createdb --encoding=UTF8 --template=template0"
            )
        )
    schema = await find_schema(store.engine)
    await refuse_closed(store.engine)
    if schema.applied < schema.known:
        text = f"the schema is {schema.applied}, and this version brings it to {schema.known}"
        found.append(problem("database", text, "make a backup, then run postroom init, or start the server"))
    found += await _look_at_server_keys(store, config)
    if not any(finding.is_trouble for finding in found if finding.check == "database"):
        found.append(ok("database", _say(database, schema)))
    return found


def _say(database: Description, schema: Schema) -> str:
    size = f"{database.size_bytes / 1_000_000:,.0f} MB"
    return f"{database.name} {database.version}, {database.encoding}, schema {schema.applied}, {size}"


async def _look_at_server_keys(store: Store, config: Config) -> list[Finding]:
    async with store.directory() as directory:
        in_use = (await directory.meta.find(META_NAME) or "").split()
    try:
        keys = {key.key_id for key in KeyFile(config.data_dir).find() or ()}
    except PostroomError:
        return []  # The check of permissions says so.
    lacking = [key_id for key_id in in_use if key_id not in keys]
    if not lacking:
        return []
    text = f"server.key lacks the keys that secrets of the store are sealed with: {', '.join(lacking)}"
    return [
        problem("database", text, "copy server.key from another server of this store, or from a backup of it")
    ]


async def check_blobs(config: Config) -> list[Finding]:
    """Write a message where large ones lie, read it, and remove it."""
    owner = find_other_owner(config)
    if owner is not None:
        return [skipped("blobs", f"not tried: what user {owner} owns, another user should not write into")]
    try:
        async with opened_as_it_is(config) as store:
            return await _probe(store)
    except NotThereError as error:
        return [skipped("blobs", f"not tried: {error}")]


async def _probe(store: Store) -> list[Finding]:
    raw = secrets.token_bytes(_PROBE_BYTES)
    # The names of probes begin alike, so that they leave one empty folder at most.
    name = b"\0" + hashlib.sha256(raw).digest()[1:]
    remedy = "see that the place of large messages (blobs.url) is there, has room, and belongs to the server's user"
    try:
        await store.blobs.put(NOBODY, name, raw)
        try:
            reader = await store.blobs.open(NOBODY, name)
            try:
                is_same = await reader.read(0, len(raw)) == raw
            finally:
                reader.close()
        finally:
            await store.blobs.delete(NOBODY, name)
    except PostroomError as error:
        return [problem("blobs", f"{error.message} ({error.private})", remedy)]
    if not is_same:
        return [
            problem(
                "blobs", "what was written comes back changed", "replace the disk, or the service, behind it"
            )
        ]
    return [ok("blobs", "a large message was written, read and removed")]
