"""Documents that cannot rot: what they name is there, and what is there is named."""

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from postroom.config.classes import AccountClass
from postroom.config.fields import iter_options
from postroom.config.load import load
from postroom.config.root import Config

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "postroom"
DOCUMENTS = sorted(
    path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")) if path.name != "CHANGELOG.md"
)

_PACKAGES = "|".join(sorted(path.parent.name for path in SOURCE.glob("*/__init__.py")))
_PATH = re.compile(rf"`((?:{_PACKAGES})/[\w./]+)`")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_modules_that_are_named_exist(document: Path) -> None:
    named = _PATH.findall(document.read_text("utf-8"))
    assert not [path for path in named if not (SOURCE / path).exists()]


def test_every_module_of_the_domain_is_found_by_its_subject() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text[text.index("## The domain by subject") : text.index("## Two engines")]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row[2]) if name != "domain"]
    modules = {path.stem for path in (SOURCE / "domain").glob("*.py")} - {"__init__"}
    assert sorted(named) == sorted(modules)


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document: Path) -> None:
    links = _LINK.findall(document.read_text("utf-8"))
    assert not [link for link in links if not (document.parent / link).exists()]


_VARIABLE = re.compile(r"POSTROOM_[A-Z0-9_]+")
_NO_OPTIONS = {"POSTROOM_SECTION__KEY", "POSTROOM_SCREENSHOTS"}
_TOML = re.compile(r"^( *)```toml\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
EXAMPLES = sorted(path for path in (ROOT / "contrib").rglob("*") if path.is_file())


@pytest.mark.parametrize("document", [*DOCUMENTS, *EXAMPLES], ids=_name)
def test_variables_that_are_named_are_options(document: Path) -> None:
    known = {
        "POSTROOM_" + "__".join(option.path).upper()
        for option in (*iter_options(Config), *iter_options(AccountClass, ("classes", "default")))
    }
    named = set(_VARIABLE.findall(document.read_text("utf-8")))
    assert named - _NO_OPTIONS - known == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_configurations_that_are_shown_can_be_used(document: Path, tmp_path: Path) -> None:
    for indent, text in _TOML.findall(document.read_text("utf-8")):
        path = tmp_path / "postroom.toml"
        path.write_text(textwrap.dedent(indent + text), "utf-8")
        load(path, environ={})


def test_the_readme_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "make run" in text
    assert "make test" in text


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    explained = "\n".join(path.read_text("utf-8") for path in DOCUMENTS)
    targets = re.findall(r"^(\w+):", makefile, re.MULTILINE)
    assert not [
        target for target in targets if target not in {"clean", "lock"} and f"make {target}" not in explained
    ]


def test_every_error_code_is_documented() -> None:
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    missing = [code for code in _error_codes() if f"`{code}`" not in text]
    assert not missing


def _error_codes() -> set[str]:
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        found |= set(re.findall(r"Kind\.[A-Z_]+,\s*\"(\w+)\"", path.read_text("utf-8")))
    return found


def test_every_dependency_is_explained() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    block = project[project.index("dependencies = [") : project.index("[project.optional-dependencies]")]
    explained = (ROOT / "docs" / "decisions" / "dependencies.md").read_text("utf-8")
    names = re.findall(r"\"([a-z0-9-]+)[><=]", block)
    assert names
    assert not [name for name in names if name not in explained]


def test_nothing_of_other_places_is_named() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in tracked:
        path = ROOT / name
        if not name or not path.is_file() or path.suffix in {".lock", ".png"} or path == Path(__file__):
            continue
        text = path.read_bytes()
        assert b"shared/" + b"spec" not in text, name
        assert b"files.python" + b"hosted" not in text, name
