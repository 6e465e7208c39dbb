"""docs/configuration.md is what the declarations of the options say."""

from pathlib import Path

from postroom.config.render import render_manual

MANUAL = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_manual_is_up_to_date() -> None:
    shown = MANUAL.read_text(encoding="utf-8")
    assert shown == render_manual(), "run: postroom config manual > docs/configuration.md"


def test_every_option_has_a_sentence() -> None:
    entries = [line for line in render_manual().splitlines() if line.startswith("- `")]
    assert len(entries) > 50
    assert all(". (" in line for line in entries)
