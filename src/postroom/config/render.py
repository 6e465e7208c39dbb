"""Shows the configuration: the effective values with where each comes from, and the page of the manual.

Both are made from the declarations of the sections alone, so they cannot differ from what the loader accepts.
"""

import functools
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from postroom.config.classes import DEFAULT_CLASS, AccountClass
from postroom.config.fields import SECRET, Option, describe_kind, hide_password, iter_options, render_value
from postroom.config.load import CLASSES, PREFIX, Loaded
from postroom.config.root import Config


def render_config(loaded: Loaded) -> str:
    """Return all effective values as TOML, each with a comment that says where it comes from; secrets are hidden."""
    options = list(iter_options(Config))
    for name in loaded.config.classes:
        options += iter_options(AccountClass, (CLASSES, name))
    lines: list[str] = []
    table: tuple[str, ...] = ()
    for option in sorted(options, key=lambda option: _table_order(option, options)):
        if option.path[:-1] != table:
            table = option.path[:-1]
            lines += ["", f"[{'.'.join(table)}]"]
        value: Any = functools.reduce(_member, option.path, _as_any(loaded.config))
        # What is there by default is no secret.
        if option.facts.secret and value and _source(option, loaded) != "default":
            value = (SECRET,) if isinstance(value, tuple) else SECRET
        line = f"{option.path[-1]} = {hide_password(render_value(value))}"
        lines.append(f"{line}  # {_source(option, loaded)}")
    return "\n".join(lines).strip() + "\n"


def _table_order(option: Option, options: list[Option]) -> int:
    """Return the place of an option: TOML wants the plain keys of a table before the tables in it."""
    return next(index for index, other in enumerate(options) if other.path[:-1] == option.path[:-1])


def _as_any(section: object) -> Any:
    """Return the argument; the sections below have types of their own."""
    return section


def _member(section: Any, name: str) -> Any:
    return section[name] if name in getattr(section, "keys", list)() else getattr(section, name)


def _source(option: Option, loaded: Loaded) -> str:
    if option.name in loaded.sources:
        return loaded.sources[option.name]
    if option.path[0] == CLASSES and option.path[1] != DEFAULT_CLASS:
        inherited = ".".join((CLASSES, DEFAULT_CLASS, *option.path[2:]))
        if inherited in loaded.sources:
            return f"{CLASSES}.{DEFAULT_CLASS}, {loaded.sources[inherited]}"
    return "default"


def render_manual() -> str:
    """Return docs/configuration.md."""
    parts = [_INTRODUCTION]
    table: tuple[str, ...] | None = None
    options = [*iter_options(Config), *iter_options(AccountClass, (CLASSES, DEFAULT_CLASS))]
    for option in sorted(options, key=lambda option: _table_order(option, options)):
        if option.path[:-1] != table:
            table = option.path[:-1]
            parts.append("\n".join(_heading(table)))
        parts.append(_describe(option))
    return "\n".join(parts)


_INTRODUCTION = f"""# Configuration

<!-- Made from the declarations in src/postroom/config by `postroom config manual`; do not edit. -->

Postroom reads a TOML file: the one that `--config FILE` names, else `postroom.toml` in the current folder, else
`/etc/postroom/postroom.toml`. A relative `data_dir` begins where the file is. Without a file the defaults count.
Environment variables override the file: `{PREFIX}SECTION__KEY`, such as `{PREFIX}HTTP__LISTEN`; for a class
`{PREFIX}CLASSES__DEFAULT__PAGE_SIZE`; for keys outside of sections `{PREFIX}DATA_DIR`. In them, lists have commas
between the items. `--set http.listen=127.0.0.1:9000` on the command line overrides both.

Unknown options, wrong types and unusable values are refused when the program starts. `postroom config check` says
what is wrong, `postroom config show` the values that are in force and where each comes from.
"""


def _heading(table: tuple[str, ...]) -> Iterator[str]:
    if not table:
        yield "\n## Outside of sections\n"
        return
    yield f"\n## [{'.'.join(table)}]\n"
    if table == (CLASSES, DEFAULT_CLASS):
        yield "Limits and policies of accounts. Any number of classes may be given as `[classes.NAME]`; each"
        yield "inherits what it does not say from `[classes.default]`, in nested tables too.\n"


def _describe(option: Option) -> str:
    facts = option.facts
    notes = [describe_kind(option) if not facts.choices else _describe_choices(option)]
    if facts.unit:
        notes.append(f"in {facts.unit}")
    if facts.minimum is not None and facts.maximum is not None:
        notes.append(f"from {facts.minimum} to {facts.maximum}")
    elif facts.minimum is not None:
        notes.append(f"{facts.minimum} or more")
    default = functools.reduce(_member, option.path, _as_any(Config()))
    notes.append(f"default `{render_value(default)}`")
    return f"- `{option.path[-1]}`: {facts.doc} ({', '.join(notes)})"


def _describe_choices(option: Option) -> str:
    among = "list of" if get_origin(option.kind) is tuple and get_args(option.kind) else "one of"
    return f"{among} {', '.join(f'`{choice}`' for choice in option.facts.choices)}"
