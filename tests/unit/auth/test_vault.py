"""The vault: what is sealed opens in its own place, under its own key, unchanged, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.auth.vault import (
    KEY_BYTES,
    MAX_SECRET_BYTES,
    BadSealError,
    Place,
    ServerKey,
    UnknownKeyError,
    Vault,
    key_id_of,
)

NUMBERS = st.integers(min_value=0, max_value=2**63)
KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES).map(lambda secret: ServerKey(secret, "2026-01-01"))
PLACES = st.builds(Place, st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True), NUMBERS, NUMBERS)
OLD, NEW = ServerKey(b"o" * 32, "2025-01-01"), ServerKey(b"n" * 32, "2026-01-01")
VAULT = Vault([NEW, OLD])
PHONE = Place("phone", 7, 2)


@given(KEYS, st.binary(max_size=200), PLACES)
def test_what_is_sealed_opens(key: ServerKey, plain: bytes, place: Place) -> None:
    sealed = Vault([key]).seal(plain, place)
    assert Vault([NEW, key, OLD]).open(sealed, place) == plain
    assert key_id_of(sealed) == key.key_id
    assert sealed.isascii()
    assert len(sealed) < 64 + 2 * len(plain)


@given(st.binary(max_size=50), PLACES, PLACES)
def test_it_opens_in_its_own_place_alone(plain: bytes, place: Place, other: Place) -> None:
    sealed = VAULT.seal(plain, place)
    if place != other:
        with pytest.raises(BadSealError):
            VAULT.open(sealed, other)


@pytest.mark.parametrize("other", [Place("phone", 72), Place("phone", 2, 7), Place("phone2", 7, 2)])
def test_places_that_look_alike_differ(other: Place) -> None:
    with pytest.raises(BadSealError):
        VAULT.open(VAULT.seal(b"secret", PHONE), other)


@given(st.binary(max_size=50), st.data())
def test_what_was_changed_does_not_open(plain: bytes, data: st.DataObject) -> None:
    sealed = VAULT.seal(plain, PHONE)
    index = data.draw(st.integers(0, len(sealed) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda one: one != sealed[index]))
    changed = data.draw(
        st.sampled_from([sealed[:index] + letter + sealed[index + 1 :], sealed[:index], sealed + letter])
    )
    try:
        opened = VAULT.open(changed, PHONE)
    except (BadSealError, UnknownKeyError):
        return
    # The last letter may hold bits that stand for nothing.
    assert opened == plain
    assert changed[:-1] == sealed[:-1]


@given(st.text(max_size=80))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises((BadSealError, UnknownKeyError)):
        VAULT.open(text, PHONE)


def test_the_newest_key_seals_and_all_open() -> None:
    sealed = [
        Vault([OLD]).seal(b"a", PHONE),
        VAULT.seal(b"a", PHONE),
        VAULT.seal(b"a", PHONE, key_id=OLD.key_id),
    ]
    assert [key_id_of(one) for one in sealed] == [OLD.key_id, NEW.key_id, OLD.key_id]
    assert [VAULT.open(one, PHONE) for one in sealed] == [b"a"] * 3


def test_an_unknown_key_is_told_by_its_id() -> None:
    with pytest.raises(UnknownKeyError) as caught:
        Vault([OLD]).open(VAULT.seal(b"a", PHONE), PHONE)
    assert caught.value.key_id == NEW.key_id
    assert Vault([OLD]).lacks([NEW.key_id, OLD.key_id]) == [NEW.key_id]
    with pytest.raises(UnknownKeyError):
        VAULT.seal(b"a", PHONE, key_id="0" * 16)


def test_a_key_id_of_another_key_does_not_open() -> None:
    sealed = VAULT.seal(b"a", PHONE)
    with pytest.raises(BadSealError):
        VAULT.open(sealed.replace(NEW.key_id, OLD.key_id), PHONE)


def test_equal_secrets_are_sealed_differently() -> None:
    assert len({VAULT.seal(b"a", PHONE) for _ in range(1000)}) == 1000


def test_a_key_does_not_show_its_secret() -> None:
    key = ServerKey(b"\x41" * 32, "2026-01-01")
    for text in (repr(key), str(key), f"{key}"):
        assert "AAAA" not in text
        assert "4141" not in text
    assert ServerKey.generate("2026-01-01").key_id != ServerKey.generate("2026-01-01").key_id


def test_bad_use_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ServerKey(b"short", "2026-01-01")
    with pytest.raises(ValueError, match="needs a key"):
        Vault([])
    with pytest.raises(ValueError, match="purpose"):
        VAULT.seal(b"a", Place("two words"))
    with pytest.raises(ValueError, match="at most"):
        VAULT.seal(bytes(MAX_SECRET_BYTES + 1), PHONE)
    assert VAULT.open(VAULT.seal(bytes(MAX_SECRET_BYTES), PHONE), PHONE) == bytes(MAX_SECRET_BYTES)
