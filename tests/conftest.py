"""Fixtures that all tests share: both store engines, and a domain over them."""

from tests.fixtures.factories import (  # noqa: F401
    add_owner,
    config,
    directory,
    domain,
    hasher,
    owner,
)
from tests.fixtures.postgres import postgres_server, postgres_url  # noqa: F401
from tests.fixtures.stores import store, store_url  # noqa: F401
