"""Loads the configuration: the file (TOML), then the environment, then flags; what comes later wins.

Environment variables are ``POSTROOM_SECTION__KEY`` (``POSTROOM_HTTP__LISTEN``,
``POSTROOM_CLASSES__DEFAULT__PAGE_SIZE``), for keys outside of sections ``POSTROOM_KEY`` (``POSTROOM_DATA_DIR``).
Nothing is guessed: unknown keys, wrong types and unusable values are all reported at once, each with the path of
the option, what would be right, and where it stands. A variable with no ``__`` in it that is no option may belong
to another program (orchestrators set such ones) and is ignored, unless it nearly spells an option.

Algorithm: every layer becomes a flat mapping of option paths to values; the layers are laid over each other; each
value is read into its option; the sections are built from the result, the classes over the default class.
"""

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from postroom.config.classes import DEFAULT_CLASS, AccountClass
from postroom.config.fields import Option, OptionPath, iter_options, read_text, read_toml
from postroom.config.root import Config
from postroom.errors import Kind, PostroomError

DEFAULT_FILES = (Path("postroom.toml"), Path("/etc/postroom/postroom.toml"))
"""Where the file is looked for if it is not named: in the current folder, then where a service has it."""
PREFIX = "POSTROOM_"
CLASSES = "classes"
_CLASS_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ConfigError(PostroomError):
    """The configuration cannot be used; ``problems`` has one line for each thing that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            Kind.INVALID, "badConfiguration", "\n".join(problems), details={"problems": list(problems)}
        )
        self.problems = tuple(problems)


class Loaded(NamedTuple):
    """A configuration, and where each value came from that is not a default: option name → place."""

    config: Config
    sources: Mapping[str, str]


class _Given(NamedTuple):
    """A value as a layer gives it. ``is_text``: it is yet to be read by the type of its option."""

    value: object
    source: str
    is_text: bool = False


_Layer = dict[OptionPath, _Given]


def load(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
) -> Loaded:
    """Return the configuration.

    Args:
        path: the file; None for the first of ``DEFAULT_FILES`` that is there, else no file.
        environ: environment variables; None for those of the process.
        flags: option names (``http.listen``) and their values as text.

    Raises: :class:`ConfigError` with every problem that was found.
    """
    path = path or find_file(DEFAULT_FILES)
    given = _read_file(path) if path is not None else {}
    options = _options_of(given)
    problems: list[str] = []
    given |= _read_environ(os.environ if environ is None else environ, options, problems)
    given |= {
        tuple(name.split(".")): _Given(text, f"--set {name}", is_text=True)
        for name, text in (flags or {}).items()
    }
    options = _options_of(given)
    values = _read_values(given, options, problems)
    config = _build_config(values, given, problems)
    if problems:
        raise ConfigError(problems)
    data_dir = given.get(("data_dir",))
    if path is not None and (data_dir is None or not data_dir.is_text):
        config = dataclasses.replace(config, data_dir=path.parent / config.data_dir)
    return Loaded(config, {".".join(key): entry.source for key, entry in given.items() if key in options})


def find_file(places: Sequence[Path]) -> Path | None:
    """Return the first of ``places`` that is there; None if none is.

    A current folder that may not be looked into holds no file for its caller; a file elsewhere that may not be looked
    at is there, so that reading it says what is wrong.
    """
    for place in places:
        try:
            place.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            if not place.is_absolute():
                continue
        return place
    return None


def _options_of(given: _Layer) -> dict[OptionPath, Option]:
    """Return all options there are, those of each class that is named by a layer included."""
    options = {option.path: option for option in iter_options(Config)}
    for name in _class_names(given):
        options |= {option.path: option for option in iter_options(AccountClass, (CLASSES, name))}
    return options


def _class_names(given: _Layer) -> list[str]:
    named = {path[1] for path in given if path[0] == CLASSES and len(path) > 1}
    return [DEFAULT_CLASS, *sorted(named - {DEFAULT_CLASS})]


# The layers


def _read_file(path: Path) -> _Layer:
    try:
        text = path.read_bytes().decode("utf-8")
        return dict(_flatten(tomllib.loads(text), (), str(path)))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not valid UTF-8 at byte {error.start}"]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from None


def _flatten(
    table: Mapping[str, object], path: OptionPath, source: str
) -> Iterator[tuple[OptionPath, _Given]]:
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, (*path, key), source)
        else:
            yield (*path, key), _Given(value, source)


def _read_environ(
    environ: Mapping[str, str], options: Mapping[OptionPath, Option], problems: list[str]
) -> _Layer:
    layer: _Layer = {}
    known = {_variable(path): path for path in options}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        names = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        if variable in known:
            layer[known[variable]] = _Given(text, variable, is_text=True)
        elif len(names) > 1:
            layer[names] = _Given(text, variable, is_text=True)
        elif near := difflib.get_close_matches(variable, known, n=1, cutoff=0.85):
            problems.append(f"{variable}: not an option; did you mean {near[0]}?")
    return layer


def _variable(path: OptionPath) -> str:
    return PREFIX + "__".join(path).upper().replace("-", "_")


# From the layers to values


def _read_values(
    given: _Layer, options: Mapping[OptionPath, Option], problems: list[str]
) -> dict[OptionPath, Any]:
    values: dict[OptionPath, Any] = {}
    for path, entry in given.items():
        option = options.get(path)
        if option is None:
            problem = _unknown(path, entry, options)
            if problem:
                problems.append(problem)
            continue
        try:
            values[path] = (read_text if entry.is_text else read_toml)(option, entry.value)  # type: ignore[arg-type]
        except ValueError as error:
            problems.append(f"{option.name}: {error} ({entry.source})")
    return values


def _unknown(path: OptionPath, entry: _Given, options: Mapping[OptionPath, Option]) -> str:
    """Return what is wrong with a path that is no option; "" if it is an empty section."""
    name = ".".join(path)
    below = [other for other in options if other[: len(path)] == path]
    if path == (CLASSES,) or below:
        return "" if entry.value == {} else f"{name}: must be a table of options ({entry.source})"
    for length in range(1, len(path)):
        if path[:length] in options:
            option = options[path[:length]]
            return f"{option.name}: must be a value, not a table ({entry.source})"
    return f"{name}: no such option{_suggestion(path, options)} ({entry.source})"


def _suggestion(path: OptionPath, options: Mapping[OptionPath, Option]) -> str:
    """Return a hint at what was meant: a near miss at the level that is wrong, or the same key elsewhere."""
    for length in range(len(path)):
        siblings = {
            other[length] for other in options if other[:length] == path[:length] and len(other) > length
        }
        if path[length] not in siblings:
            near = difflib.get_close_matches(path[length], sorted(siblings), n=1, cutoff=0.7)
            if near:
                return f"; did you mean {'.'.join((*path[:length], near[0], *path[length + 1 :]))}?"
            break
    same = [option.name for other, option in options.items() if other[-1] == path[-1]]
    return f"; did you mean {same[0]}?" if len(same) == 1 else ""


# From values to sections


def _build_config(values: Mapping[OptionPath, Any], given: _Layer, problems: list[str]) -> Config:
    classes: dict[str, AccountClass] = {}
    for name in _class_names(given):
        if not _CLASS_NAME.fullmatch(name):
            wanted = "must be made of lower-case letters, digits, - and _"
            problems.append(f"{CLASSES}.{name}: the name of a class {wanted}")
        classes[name] = _build(classes.get(DEFAULT_CLASS, AccountClass()), (CLASSES, name), values)
    config: Config = _build(Config(), (), values)
    config = dataclasses.replace(config, classes=MappingProxyType(classes))
    for path, wrong in _iter_problems(config, ()):
        source = f" ({given[path].source})" if path in given else ""
        problems.append(f"{'.'.join(path)}: {wrong}{source}")
    return config


def _build(base: Any, path: OptionPath, values: Mapping[OptionPath, Any]) -> Any:
    """Return ``base``, a section, with the values that lie under ``path``."""
    changes: dict[str, Any] = {}
    for declared in dataclasses.fields(base):
        here, old = (*path, declared.name), getattr(base, declared.name)
        if dataclasses.is_dataclass(old):
            changes[declared.name] = _build(old, here, values)
        elif here in values:
            changes[declared.name] = values[here]
    return dataclasses.replace(base, **changes)


def _iter_problems(section: Any, path: OptionPath) -> Iterator[tuple[OptionPath, str]]:
    """Yield what the sections themselves find wrong: options that do not fit each other."""
    if hasattr(section, "problems"):
        for name, wrong in section.problems():
            yield (*path, *name.split(".")), wrong
    for declared in dataclasses.fields(section):
        value = getattr(section, declared.name)
        if dataclasses.is_dataclass(value):
            yield from _iter_problems(value, (*path, declared.name))
        elif isinstance(value, Mapping):
            for name, member in value.items():
                yield from _iter_problems(member, (*path, declared.name, name))
