"""Password hashes: right and wrong passwords, unknown accounts, parameters, bounds."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from postroom.auth.passwords import MAX_PASSWORD_BYTES, PasswordHasher
from postroom.config.auth import AuthConfig

QUICK = AuthConfig(argon2_time_cost=1, argon2_memory_kib=64)


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    made = PasswordHasher(QUICK)
    yield made
    made.close()


@pytest.mark.parametrize(
    "password", ["secret", "", "pässwörd 🔑", "a" * MAX_PASSWORD_BYTES, "nul\0byte", "\ud800"]
)
async def test_right_and_wrong(hasher: PasswordHasher, password: str) -> None:
    made = await hasher.hash(password)
    assert made.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await hasher.verify(made, password)
    assert not await hasher.verify(made, password + "x")
    assert not await hasher.verify(made, password.swapcase() + " ")


async def test_hashes_are_salted(hasher: PasswordHasher) -> None:
    assert await hasher.hash("secret") != await hasher.hash("secret")


async def test_longer_passwords_do_not_match_by_their_beginning(hasher: PasswordHasher) -> None:
    made = await hasher.hash("a" * MAX_PASSWORD_BYTES)
    assert not await hasher.verify(made, "a" * (MAX_PASSWORD_BYTES + 1))


@pytest.mark.parametrize("broken", ["", "x", "$argon2id$v=19$m=64", "$2b$12$abcdefghijklmnopqrstuv"])
async def test_broken_hashes_match_nothing(hasher: PasswordHasher, broken: str) -> None:
    assert not await hasher.verify(broken, "")
    assert not await hasher.verify(broken, "x")
    assert hasher.needs_rehash(broken)


async def test_unknown_accounts_match_nothing(hasher: PasswordHasher) -> None:
    assert not await hasher.verify_unknown("")
    assert not await hasher.verify_unknown("secret")


async def test_parameters_that_changed_need_a_new_hash(hasher: PasswordHasher) -> None:
    made = await hasher.hash("secret")
    assert not hasher.needs_rehash(made)
    other = PasswordHasher(replace(QUICK, argon2_time_cost=2))
    assert other.needs_rehash(made)
    assert await other.verify(made, "secret")
    other.close()


async def test_many_at_once(hasher: PasswordHasher) -> None:
    made = await hasher.hash("secret")
    answers = await asyncio.gather(*(hasher.verify(made, f"secret{'x' * (n % 2)}") for n in range(20)))
    assert answers == [True, False] * 10
