"""docs/configuration.md is what the declarations of the options say."""

import re
from pathlib import Path

from postroom.config.classes import AccountClass
from postroom.config.fields import iter_options
from postroom.config.render import render_manual
from postroom.config.root import Config

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "configuration.md"


def test_the_manual_is_up_to_date() -> None:
    shown = MANUAL.read_text(encoding="utf-8")
    assert shown == render_manual(), "run: postroom config manual > docs/configuration.md"


def test_every_option_has_a_sentence() -> None:
    entries = [line for line in render_manual().splitlines() if line.startswith("- `")]
    assert len(entries) > 50
    assert all(". (" in line for line in entries)


def test_every_option_has_an_effect() -> None:
    source = ROOT / "src" / "postroom"
    files = [path for path in source.rglob("*.py") if path.parent != source / "config"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    aliases = {"metrics_from": "metrics_networks", "trusted_proxies": "trusted_proxy_networks"}
    options = [*iter_options(Config), *iter_options(AccountClass, ("classes", "default"))]
    # Defaults of settings are taken all together, by their names.
    taken = re.search(r"account_class\.settings\b", code) is not None
    unused = [
        option.name
        for option in options
        if not (taken and "settings" in option.path[:-1])
        and not re.search(rf"\.({option.path[-1]}|{aliases.get(option.path[-1], option.path[-1])})\b", code)
    ]
    assert unused == []
