"""Sizes: modules, functions and classes stay small enough to be read at once. Exceptions may only become fewer."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "postroom"
MODULE_LINES = 500
FUNCTION_LINES = 50
POSITIONAL_ARGUMENTS = 3
PUBLIC_METHODS = 15

MADE = {f"client/{name}.py" for name in ("structs", "async_calls", "sync_calls", "sync_core")}
"""Made by ``make client``, and read by nobody."""

MODULES = sorted({path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py")} - MADE)

EXCEPTIONS: dict[str, str] = {}
"""``module:name`` and why; to be made fewer, never more."""

BANNED_NAMES = {"utils", "helpers", "common", "manager", "handler", "misc"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Measured(NamedTuple):
    """A function and how it is made."""

    name: str
    lines: int
    positional: int


def _parse(module: str) -> ast.Module:
    return ast.parse((SOURCE / module).read_text("utf-8"))


def _lines(node: Function) -> int:
    """Return the lines of a function, less its docstring."""
    docstring = ast.get_docstring(node, clean=False)
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    return total - (docstring.count("\n") + 1 if docstring else 0)


def _iter_functions(tree: ast.AST, *, prefix: str = "") -> Iterator[Measured]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            arguments = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            positional = len([name for name in arguments if name not in ("self", "cls")])
            is_special = node.name.startswith("__")
            yield Measured(prefix + node.name, _lines(node), 0 if is_special else positional)
            yield from _iter_functions(node, prefix=f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from _iter_functions(node, prefix=f"{prefix}{node.name}.")
        else:
            yield from _iter_functions(node, prefix=prefix)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short(module: str) -> None:
    assert len((SOURCE / module).read_text("utf-8").splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short(module: str) -> None:
    long = [
        function
        for function in _iter_functions(_parse(module))
        if function.lines > FUNCTION_LINES and f"{module}:{function.name}" not in EXCEPTIONS
    ]
    assert not long


@pytest.mark.parametrize("module", MODULES)
def test_most_arguments_are_given_by_name(module: str) -> None:
    many = [
        function
        for function in _iter_functions(_parse(module))
        if function.positional > POSITIONAL_ARGUMENTS and f"{module}:{function.name}" not in EXCEPTIONS
    ]
    assert not many


@pytest.mark.parametrize("module", MODULES)
def test_classes_have_few_public_methods(module: str) -> None:
    for node in ast.walk(_parse(module)):
        if isinstance(node, ast.ClassDef):
            public = [
                item.name
                for item in node.body
                if isinstance(item, Function) and not item.name.startswith("_")
            ]
            assert len(public) <= PUBLIC_METHODS, f"{node.name}: {public}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_explains_itself(module: str) -> None:
    docstring = ast.get_docstring(_parse(module))
    assert docstring, "a module docstring says what it is for"


def test_names_say_something() -> None:
    assert not [module for module in MODULES if Path(module).stem.strip("_") in BANNED_NAMES]


def test_no_exception_is_stale() -> None:
    for place in EXCEPTIONS:
        module, _, name = place.partition(":")
        found = {function.name: function for function in _iter_functions(_parse(module))}
        function = found[name]
        assert function.lines > FUNCTION_LINES or function.positional > POSITIONAL_ARGUMENTS, place
