"""The web client's own text: its types hold, and every language has a text for every message.

These checks need Node and what package-lock.json names: TypeScript, which the client itself knows nothing of.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from postroom.api.web import load_assets

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src" / "postroom" / "web"
TSC = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
LANGUAGES = sorted(path.stem for path in (WEB / "js" / "i18n").glob("*.js"))

_DUMP = """
const names = process.argv.slice(1);
const tables = await Promise.all(names.map((name) => import(name)));
const forms = (name) => new Intl.PluralRules(name.slice(-6, -4)).resolvedOptions().pluralCategories;
console.log(JSON.stringify(tables.map((table, at) => ({ table: table.default, forms: forms(names[at]) }))));
"""


def missing() -> str:
    """Return why the client cannot be checked; "" if it can."""
    if shutil.which("npm") is None:
        return "npm is not installed: apt-get install npm"
    return "" if TSC.exists() else "TypeScript is not installed: npm ci"


pytestmark = [pytest.mark.npm, pytest.mark.skipif(missing() != "", reason=missing() or "available")]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The messages of each language, and the plural forms that it has."""
    folder = tmp_path_factory.mktemp("i18n")
    paths = []
    for language in LANGUAGES:
        # Node takes a file for a module by its name.
        paths.append(folder / f"{language}.mjs")
        paths[-1].write_text((WEB / "js" / "i18n" / f"{language}.js").read_text())
    command = ["node", "--input-type=module", "--eval", _DUMP, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return dict(zip(LANGUAGES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("project", ["tsconfig.json", "tsconfig.worker.json"])
def test_types(project: str) -> None:
    done = subprocess.run(
        [TSC, "-p", ROOT / project], capture_output=True, text=True, timeout=110, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout


def test_a_wrong_type_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "wrong.js").write_text("/** @type {number} */\nexport const count = 'three';\n")
    (tmp_path / "tsconfig.json").write_text(
        json.dumps({"extends": str(ROOT / "tsconfig.json"), "include": ["*.js"]})
    )
    done = subprocess.run([TSC, "-p", tmp_path], capture_output=True, text=True, timeout=110, check=False)
    assert "is not assignable to type 'number'" in done.stdout


def test_scripts_can_be_read(tmp_path: Path) -> None:
    """Scripts are served without their comments; nothing else of them may go."""
    for path, content in load_assets().items():
        if path.endswith(".js"):
            (tmp_path / f"{path.strip('/').replace('/', '_')}").with_suffix(".mjs").write_bytes(content)
    command = ["xargs", "-P2", "-n1", "node", "--check"]
    names = "\n".join(map(str, sorted(tmp_path.iterdir())))
    done = subprocess.run(command, input=names, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(tables: dict[str, dict[str, Any]], language: str) -> None:
    english, other = tables["en"]["table"], tables[language]["table"]
    assert set(other) == set(english)
    for name, message in other.items():
        # English has a plural wherever there is a count; each language has the forms that its rules name.
        assert isinstance(message, dict) == isinstance(english[name], dict), name
        if isinstance(message, dict):
            assert set(message) >= set(tables[language]["forms"]) - {"many"}, name
        assert values_of(message) == values_of(english[name]), name
        assert all(text.strip() for text in texts_of(message)), name


def texts_of(message: str | dict[str, str]) -> list[str]:
    return [message] if isinstance(message, str) else list(message.values())


def values_of(message: str | dict[str, str]) -> set[str]:
    """Return the values that stand in a message; a form for one need not say the count."""
    return {value for text in texts_of(message) for value in re.findall(r"\{(\w+)\}", text)}


def test_every_message_is_shown_somewhere(tables: dict[str, dict[str, Any]]) -> None:
    scripts = [path.read_text() for path in (WEB / "js").rglob("*.js") if path.parent.name != "i18n"]
    named = {name for script in scripts for name in re.findall(r'"([\w.]+)"', script)}
    # Names that are put together: `sort.${field}`.
    beginnings = tuple({start for script in scripts for start in re.findall(r"`((?:\w+\.)+)\$\{", script)})
    assert beginnings
    unused = [name for name in tables["en"]["table"] if name not in named and not name.startswith(beginnings)]
    assert not unused
