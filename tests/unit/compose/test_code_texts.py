"""The texts of letters with codes are there in every language of a notice, with the places that are filled."""

import string

import pytest

from postroom.compose import quota_notice
from postroom.compose.code_texts import LANGUAGES, get_code_texts

PLACES = {
    "code_subject": ["code"],
    "code": ["address", "code"],
    "recovery": ["address", "token"],
}


def list_places(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_they_are_in_the_languages_of_the_notices() -> None:
    assert LANGUAGES == quota_notice.LANGUAGES


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_texts(language: str) -> None:
    texts = get_code_texts(language)
    assert texts.language == language
    for name, text in texts._asdict().items():
        assert list_places(text) == PLACES.get(name, []), name
        assert text == text.strip()
    assert "10" in texts.code_advice
    assert "15" in texts.recovery_advice
    assert language == "en" or not set(texts[1:]) & set(get_code_texts("en")[1:])


def test_other_languages_are_english() -> None:
    assert get_code_texts("tk") is get_code_texts("en")
