"""The list of what equals the Axigen Mailbox API has every call once, and none that is not there."""

import re
from pathlib import Path

import pytest
from tests.meta.test_routes import DOCUMENT

TEXT = (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text("utf-8")
ROWS = re.findall(r"^\| `([A-Z]+) (/api\S*)` \| (\w+) \| (.*?) ?\|$", TEXT, re.MULTILINE)
OURS = ("/api/v1/events", "/api/v1/operations", "/api/v1/account/webhooks", "/api/v1/account/apppasswords")


def test_every_call_has_one_row() -> None:
    listed = sorted((method, path) for method, path, _, _ in ROWS)
    served = sorted((method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item)
    assert listed == served


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_rows_say_what_a_call_is(row: tuple[str, str, str, str]) -> None:
    method, path, kind, note = row
    assert kind in {"same", "more", "seen", "ours"}
    assert note or kind != "more", "say what is more"
    if method == "HEAD" or path.startswith(OURS):
        assert kind == "ours"


def test_no_row_is_overlooked() -> None:
    assert len(re.findall(r"^\| `[A-Z]+ /api", TEXT, re.MULTILINE)) == len(ROWS)
