"""Password hashes: right and wrong passwords, unknown accounts, parameters, bounds."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.auth.passwords import MAX_PASSWORD_BYTES, PasswordHasher, measure, prepare
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


async def test_unknown_accounts_match_nothing(hasher: PasswordHasher) -> None:
    assert not await hasher.verify_unknown("")
    assert not await hasher.verify_unknown("secret")


async def test_hashes_hold_when_the_parameters_have_changed(hasher: PasswordHasher) -> None:
    made = await hasher.hash("secret")
    other = PasswordHasher(replace(QUICK, argon2_time_cost=2))
    assert await other.verify(made, "secret")
    other.close()


async def test_many_at_once(hasher: PasswordHasher) -> None:
    made = await hasher.hash("secret")
    answers = await asyncio.gather(*(hasher.verify(made, f"secret{'x' * (n % 2)}") for n in range(20)))
    assert answers == [True, False] * 10


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("a\u0308", "\u00e4"),
        ("\u212b", "\u00c5"),
        ("a\u00a0b", "a b"),
        ("a\u3000b", "a b"),
        ("\u1100\u1161", "\uac00"),
    ],
)
async def test_ways_to_type_a_password(hasher: PasswordHasher, typed: str, same: str) -> None:
    """RFC 8265 §4.2: other spaces are the plain one, and composed characters are the same as their parts."""
    assert prepare(typed) == prepare(same) == same
    assert await hasher.verify(await hasher.hash(typed), same)
    assert await hasher.verify(await hasher.hash(same), typed)


@pytest.mark.parametrize(
    ("one", "other"), [("a", "A"), ("\ufb01", "fi"), ("\uff41", "a"), ("a ", "a"), ("\u200b", "")]
)
async def test_passwords_that_differ(hasher: PasswordHasher, one: str, other: str) -> None:
    assert not await hasher.verify(await hasher.hash(one), other)


async def test_a_password_that_grows_when_it_is_composed(hasher: PasswordHasher) -> None:
    """Its size is that of what is hashed."""
    grown = "\ufb2c" * 700
    assert len(grown.encode()) < MAX_PASSWORD_BYTES < measure(grown)
    assert not await hasher.verify(await hasher.hash(grown), grown)


async def test_hashes_of_data_are_repeatable_and_salted(hasher: PasswordHasher) -> None:
    made = await hasher.derive(b"data", b"salt")
    assert (len(made), made) == (32, await hasher.derive(b"data", b"salt"))
    assert len({made, await hasher.derive(b"data", b"other"), await hasher.derive(b"Data", b"salt")}) == 3


@given(st.text())
def test_a_prepared_password_stays_as_it_is(password: str) -> None:
    assert prepare(prepare(password)) == prepare(password)
