"""Possessive groups are compiled by ``postroom.patterns`` alone, since some Pythons are wrong about them."""

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "postroom"
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+")
COMPILING = {"compile", "match", "fullmatch", "search", "split", "findall", "finditer", "sub", "subn"}


def has_possessive_group(tree: ast.AST) -> bool:
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    found = [text.decode("latin-1") if isinstance(text, bytes) else text for text in texts]
    return any(isinstance(text, str) and POSSESSIVE_GROUP.search(text) for text in found)


def compiles_itself(tree: ast.AST) -> bool:
    """Tell whether a pattern that is not plainly without such a group is given to ``re``."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in COMPILING
        and (not isinstance(node.args[0], ast.Constant) or has_possessive_group(node.args[0]))
        for node in ast.walk(tree)
    )


def test_possessive_groups() -> None:
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        if path.name != "patterns.py" and has_possessive_group(tree) and compiles_itself(tree):
            wrong.append(str(path.relative_to(SOURCE)))
    assert wrong == []
