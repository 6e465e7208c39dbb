"""Fixtures of the tests of the HTTP interface: a server in process, with two accounts, over each engine."""

from collections.abc import AsyncIterator

import pytest

from postroom.api.settings import APISettings
from postroom.config.classes import AccountClass
from postroom.config.filters import FiltersConfig
from postroom.store import Store
from tests.api.world import User, World, make_world


@pytest.fixture
def api_settings() -> APISettings:
    """The settings of the server; a test module may have its own."""
    return APISettings()


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    """The account classes; a test module may have its own."""
    return {"default": AccountClass()}


@pytest.fixture
def filters() -> FiltersConfig:
    """The section of the filters; a test module may have its own."""
    return FiltersConfig()


@pytest.fixture
async def world(
    store: Store, api_settings: APISettings, classes: dict[str, AccountClass], filters: FiltersConfig
) -> AsyncIterator[World]:
    """The server."""
    made = await make_world(store, api_settings, classes, filters)
    yield made
    await made.close()


@pytest.fixture
async def ann(world: World) -> User:
    """An account."""
    return await world.add_account("ann@example.test")


@pytest.fixture
async def ben(world: World) -> User:
    """Another account."""
    return await world.add_account("ben@example.test")
