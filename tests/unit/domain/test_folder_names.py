"""Names of the default folders in all languages of an account."""

import pytest

from postroom.config.classes import LANGUAGES
from postroom.domain.folder_names import LISTED, get_folder_names, name_key
from postroom.model.folder import DEFAULT_FOLDERS


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_usable_and_differ(language: str) -> None:
    names = get_folder_names(language)
    assert list(names) == [spec.key for spec in DEFAULT_FOLDERS]
    assert len({name_key(name) for name in names.values()}) == len(DEFAULT_FOLDERS)
    for name in names.values():
        assert name == name.strip()
        assert name.isprintable()
        assert "/" not in name
        assert 1 <= len(name) <= 255


def test_languages() -> None:
    assert set(LANGUAGES) >= LISTED >= {"en", "de", "fr", "es", "it", "ro", "pt", "nl", "pl", "ja"}
    assert get_folder_names("de")["inbox"] == "Posteingang"
    assert get_folder_names("xx") == get_folder_names("en")
    assert get_folder_names("en")["collected"] == "Collected Addresses"


@pytest.mark.parametrize(
    ("one", "other"), [("Straße", "STRASSE"), ("é", "E\u0301"), ("Ⅷ", "ⅷ"), ("ΣΊΣΥΦΟΣ", "σίσυφος")]
)
def test_names_are_compared_without_regard_to_case(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_other_names_differ() -> None:
    assert name_key("resume") != name_key("résumé")
