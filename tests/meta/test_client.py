"""The client in the repository is the one that the OpenAPI document makes."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from tests.meta.test_routes import DOCUMENT

from postroom.client import AsyncClient, Client

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_client", ROOT / "tools" / "make_client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_the_one_that_would_be_made(tool: ModuleType) -> None:
    made: dict[str, str] = tool.make_modules()
    kept = {name: (ROOT / "src" / "postroom" / "client" / name).read_text("utf-8") for name in made}
    assert [name for name in made if made[name] != kept[name]] == [], "run make client"


def test_every_call_is_a_method(tool: ModuleType) -> None:
    numbers = [
        described["operationId"]
        for item in DOCUMENT["paths"].values()
        for method, described in item.items()
        if method != "head"
    ]
    wanted = {tool.to_snake(number) for number in numbers if not number.endswith("2")}
    wanted -= {tool.to_snake(number) for number in tool.LEFT_OUT}
    assert len(wanted) > 150
    assert [name for name in wanted if not hasattr(Client, name) or not hasattr(AsyncClient, name)] == []


def test_both_have_the_same_methods() -> None:
    assert _public(Client) == _public(AsyncClient)


def _public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}
