"""Options that every command takes, and what they open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from postroom.errors import bad_parameter

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
    """Configuration file; by default postroom.toml, if there is one."""

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
