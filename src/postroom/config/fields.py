"""The options of the configuration as a flat list of paths, and how a value is read into one.

A path is a tuple of names, such as ``("http", "listen")`` or ``("classes", "default", "page_size")``; written out
it has dots between them.
"""

import dataclasses
import datetime
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from postroom.config.options import Facts, get_facts

OptionPath = tuple[str, ...]
SECRET = "********"  # noqa: S105 (what is shown in the place of one)

_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_URL_PASSWORD = re.compile(r"(//[^/:]*:).*@")
"""Up to the last @: a password that should have been quoted may have others, and even a slash."""
_PARAMETER = re.compile(r"([?&][a-z]*password=)[^&#\"]*", re.IGNORECASE)


class Option(NamedTuple):
    """An option: a leaf of the tree of sections. ``kind`` is its Python type."""

    path: OptionPath
    kind: Any
    facts: Facts

    @property
    def name(self) -> str:
        """The path as people write it."""
        return ".".join(self.path)

    def shown(self, value: object) -> str:
        """Return a given value as a message may repeat it."""
        return SECRET if self.facts.secret else hide_password(render_value(value))


def hide_password(text: str) -> str:
    """Return the text with the passwords of URLs replaced."""
    return _PARAMETER.sub(rf"\g<1>{SECRET}", _URL_PASSWORD.sub(rf"\g<1>{SECRET}@", text))


def render_value(value: object) -> str:
    """Return a value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | Path):
        return _render_string(str(value))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(render_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {render_value(item)}" for key, item in value.items()) + "}"
    return str(value)


def _render_string(text: str) -> str:
    """Return a basic string of TOML; its escapes are a superset of those of JSON, DEL must be escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def iter_options(section: Any, path: OptionPath = ()) -> Iterator[Option]:
    """Yield the options of a section and of the sections in it, in the order of the source.

    Mappings of sections (the classes) are left out; their sections are asked for one by one.
    """
    hints = get_type_hints(section)
    for declared in dataclasses.fields(section):
        kind, facts = hints[declared.name], get_facts(declared)
        if dataclasses.is_dataclass(kind):
            yield from iter_options(kind, (*path, declared.name))
        elif get_origin(kind) in {None, tuple}:
            yield Option((*path, declared.name), kind, facts)


def describe_kind(option: Option) -> str:
    """Return what a value of the option is, with an article."""
    if get_origin(option.kind) is tuple:
        return "a list of " + ("whole numbers" if get_args(option.kind)[0] is int else "strings")
    return {int: "a whole number", bool: "true or false"}.get(option.kind, "a string")


def read_toml(option: Option, value: object) -> Any:
    """Return the value of an option as TOML gives it.

    Raises ValueError saying what would be right.
    """
    wrong = ValueError(f"must be {describe_kind(option)}, not {option.shown(value)}")
    if get_origin(option.kind) is tuple:
        item_kind = get_args(option.kind)[0]
        if not isinstance(value, list) or not all(_is_a(item, item_kind) for item in value):
            raise wrong
        return _checked(option, tuple(value))
    if option.kind is str and isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return _checked(option, value.isoformat())
    if option.kind is Path and isinstance(value, str):
        return _checked(option, _read_path(value))
    if not _is_a(value, option.kind):
        raise wrong
    return _checked(option, value)


def read_text(option: Option, text: str) -> Any:
    """Return the value of an option as the environment or a flag gives it; lists have commas between the items.

    Raises ValueError saying what would be right.
    """
    if get_origin(option.kind) is tuple:
        item_kind = get_args(option.kind)[0]
        items = [item.strip() for item in text.split(",")] if text.strip() else []
        return _checked(option, tuple(_read_word(option, item_kind, item) for item in items))
    return _checked(option, _read_word(option, option.kind, text))


def _is_a(value: object, kind: Any) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _read_word(option: Option, kind: Any, text: str) -> Any:
    wrong = ValueError(f"must be {describe_kind(option)}, not {option.shown(text)}")
    if kind is bool:
        if text.lower() not in _YES + _NO:
            raise wrong
        return text.lower() in _YES
    if kind is int:
        if not re.fullmatch(r"[+-]?[0-9]+(_[0-9]+)*", text.strip()) or len(text) > 30:
            raise wrong
        return int(text)
    return _read_path(text) if kind is Path else text


def _read_path(text: str) -> Path:
    """Return a path; nothing at all is none, though it would stand for the current folder."""
    if not text:
        raise ValueError('must be a path, not ""')
    return Path(text)


def _checked(option: Option, value: Any) -> Any:
    """Return the value if it is among the choices, within the bounds and passes the check of the option."""
    facts = option.facts
    items = value if isinstance(value, tuple) else (value,)
    if facts.choices and not all(item in facts.choices for item in items):
        among = "a list of" if isinstance(value, tuple) else "one of"
        raise ValueError(f"must be {among} {', '.join(facts.choices)}, not {option.shown(value)}")
    for item in items:
        if isinstance(item, int) and not isinstance(item, bool):
            _check_bounds(option, item)
    if any(isinstance(item, str) and "\0" in item for item in items):
        raise ValueError("must not contain a NUL")
    if facts.check is not None:
        try:
            facts.check(value)
        except ValueError as error:
            raise ValueError(f"{error}, not {option.shown(value)}") from None
    return value


def _check_bounds(option: Option, number: int) -> None:
    low = option.facts.minimum
    high = option.facts.maximum if option.facts.maximum is not None else 2**53
    if (low is not None and number < low) or abs(number) > high:
        bounds = (
            f"from {low} to {option.facts.maximum}" if option.facts.maximum is not None else f"{low} or more"
        )
        if low is None or number > 2**53:
            bounds = f"at most {high}"
        raise ValueError(f"must be {bounds}, not {option.shown(number)}")
