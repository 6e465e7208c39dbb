"""The list of changes, and that of errors, are those that the API has."""

from pathlib import Path

from tests.meta.test_routes import DOCUMENT

from postroom.api.changes import CHANGES
from postroom.api.settings import API_VERSION

DOCS = Path(__file__).parents[2] / "docs"


def test_the_newest_version_is_this_one() -> None:
    assert CHANGES[0].number == API_VERSION == DOCUMENT["info"]["version"]
    numbers = [tuple(map(int, one.number.split("."))) for one in CHANGES]
    assert numbers == sorted(numbers, reverse=True)


def test_the_list_of_changes_is_written_out() -> None:
    text = (DOCS / "api-changes.md").read_text("utf-8")
    wanted = [
        f"\n## {one.number}\n\n" + "".join(f"- {change}\n" for change in one.changes) for one in CHANGES
    ]
    assert text[text.index("\n## ") :] == "".join(wanted)
    assert DOCUMENT["x-changes"][0]["changes"] == list(CHANGES[0].changes)


def test_every_error_of_the_api_is_listed_and_explained() -> None:
    text = (DOCS / "errors.md").read_text("utf-8")
    listed = {one["errorCode"]: one["status"] for one in DOCUMENT["x-errors"]}
    assert {
        "badParameter": 400,
        "sessionRequired": 401,
        "notFound": 404,
        "unavailable": 503,
    }.items() <= listed.items()
    assert [code for code in listed if f"`{code}`" not in text] == []
    assert all(one["description"] for one in DOCUMENT["x-errors"])
