"""Options that every command takes, and what they open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from postroom.errors import Kind, PostroomError, bad_parameter

if TYPE_CHECKING:
    from postroom.config import Config
    from postroom.config.load import Loaded
    from postroom.domain.directory import Directory
    from postroom.store import Store


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """Where the configuration is."""

    config: Path | None = None
    """Configuration file; by default postroom.toml here or in /etc/postroom, if there is one."""

    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = ()
    """An option and its value, such as http.listen=127.0.0.1:9000; may be given several times."""

    def load(self) -> "Loaded":
        """Return the configuration. Raises: badConfiguration, badParameter."""
        from postroom.config.load import load  # noqa: PLC0415 (commands start quickly)

        flags = {}
        for setting in self.settings:
            name, equals, value = setting.partition("=")
            if not equals:
                raise bad_parameter("set", f"--set {setting}: must be OPTION=VALUE")
            flags[name.strip()] = value
        return load(self.config, flags=flags)

    def load_for_store(self) -> "Config":
        """Return the configuration for work on a store that is there.

        Where nothing says which store that is, and the default has none, the caller has forgotten to name the
        configuration: an empty store would be made, and what is added to it never be found again.

        Raises: badConfiguration, badParameter, noStore.
        """
        from postroom.config.load import DEFAULT_FILES, find_file  # noqa: PLC0415 (commands start quickly)

        config, sources = self.load()
        is_told = self.config or find_file(DEFAULT_FILES) or sources.keys() & {"data_dir", "store.url"}
        if not is_told and not config.data_dir.exists():
            raise PostroomError(
                Kind.NOT_FOUND,
                "noStore",
                f"there is no store in {config.data_dir.resolve()}: name the configuration with --config FILE, "
                "or make a store with postroom init",
            )
        return config


DEFAULTS = Options()


@asynccontextmanager
async def opened_store(config: "Config") -> "AsyncIterator[Store]":
    """Open the store. Raises: schemaTooNew, unavailable."""
    from postroom.store import open_store  # noqa: PLC0415 (commands start quickly)

    store = await open_store(
        config.store.url,
        config.data_dir,
        connections=config.store.pool_size,
        inline_limit_bytes=config.store.inline_limit_bytes,
        blobs=config.blobs,
    )
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_directory(config: "Config") -> "AsyncIterator[Directory]":
    """Open the store, for work on domains and accounts. Raises: schemaTooNew, unavailable."""
    from postroom.auth.passwords import PasswordHasher  # noqa: PLC0415 (commands start quickly)
    from postroom.domain.directory import Directory  # noqa: PLC0415

    async with opened_store(config) as store:
        hasher = PasswordHasher(config.auth)
        try:
            yield Directory(store, hasher, config.classes, primary_domain=config.primary_domain)
        finally:
            hasher.close()
