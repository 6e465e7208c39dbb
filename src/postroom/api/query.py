"""Query strings, parsed into the msgspec Struct that declares them.

A Struct is compiled once into one converter per wire name. Unknown parameters are ignored; what is known must be
there at most once (an array may be repeated or separated by commas), be valid UTF-8, and spell its value in the
one way: integers in plain decimal, Booleans as ``true/false/1/0/yes/no`` in any case.
"""

import re
from collections.abc import Callable
from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from postroom.errors import PostroomError, bad_parameter

T = TypeVar("T", bound=msgspec.Struct)
Convert = Callable[[str, str], Any]

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_INTEGER = re.compile(r"(0|-?[1-9][0-9]{0,18})")
_MAX_64_BIT = 2**63 - 1


class _Field(NamedTuple):
    attribute: str
    convert: Convert
    is_array: bool
    is_required: bool


class Query(Generic[T]):
    """A compiled declaration of query parameters."""

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self._fields: dict[str, _Field] = {}
        for field in msgspec.structs.fields(kind):
            declared = inspect.type_info(field.type)
            is_array = isinstance(_bare(declared), inspect.ListType)
            convert = _converter(declared)
            self._fields[field.encode_name] = _Field(field.name, convert, is_array, field.required)

    def parse(self, query_string: bytes) -> T:
        """Return the parameters that ``query_string`` gives; raises ``badParameter``."""
        values: dict[str, Any] = {}
        if query_string:
            for name, text in _split(query_string):
                field = self._fields.get(name)
                if field is not None:
                    _take(values, name, text, field=field)
        for name, field in self._fields.items():
            if field.is_required and field.attribute not in values:
                raise missing(name)
        return self.kind(**values)


def _split(query_string: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query_string.decode("utf-8"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise bad_parameter("query", "the query string is not UTF-8") from None


def _take(values: dict[str, Any], name: str, text: str, *, field: _Field) -> None:
    if field.is_array:
        values.setdefault(field.attribute, []).extend(field.convert(name, item) for item in text.split(","))
    elif field.attribute in values:
        raise bad_parameter(name, f"{name} is given more than once")
    else:
        values[field.attribute] = field.convert(name, text)


def _bare(declared: inspect.Type) -> inspect.Type:
    """Return the type without its description and without None."""
    if isinstance(declared, inspect.Metadata):
        return _bare(declared.type)
    if isinstance(declared, inspect.UnionType):
        return next(_bare(kind) for kind in declared.types if not isinstance(kind, inspect.NoneType))
    return declared


def _converter(declared: inspect.Type) -> Convert:
    kind = _bare(declared)
    if isinstance(kind, inspect.ListType):
        return _converter(kind.item_type)
    if isinstance(kind, inspect.BoolType):
        return _convert_boolean
    if isinstance(kind, inspect.IntType):
        return _integer_converter(kind)
    if isinstance(kind, inspect.EnumType):
        return _choice_converter({str(member.value): member for member in _members(kind.cls)})
    if isinstance(kind, inspect.LiteralType):
        return _choice_converter({str(value): value for value in kind.values})
    if isinstance(kind, inspect.StrType):
        return _text_converter(kind)
    raise TypeError(f"{kind} cannot be a query parameter")


def _members(kind: type[Enum]) -> list[Enum]:
    return list(kind)


def _convert_boolean(name: str, text: str) -> bool:
    found = _BOOLEANS.get(text.lower())
    if found is None:
        raise bad_parameter(name, f"{name} must be true or false")
    return found


def _text_converter(kind: inspect.StrType) -> Convert:
    """Return what takes text: it may be empty if its type says so by a least length of 0."""
    may_be_empty, longest = kind.min_length == 0, kind.max_length

    def convert(name: str, text: str) -> str:
        if not text and not may_be_empty:
            raise bad_parameter(name, f"{name} is empty")
        if longest is not None and len(text) > longest:
            raise bad_parameter(name, f"{name} is longer than {longest} characters")
        return text

    return convert


def _integer_converter(kind: inspect.IntType) -> Convert:
    low = -_MAX_64_BIT - 1 if kind.ge is None else kind.ge
    high = _MAX_64_BIT if kind.le is None else kind.le

    def convert(name: str, text: str) -> int:
        if _INTEGER.fullmatch(text) is None or not low <= (value := int(text)) <= high:
            raise bad_parameter(name, f"{name} must be from {low} to {high}")
        return value

    return convert


def _choice_converter(choices: dict[str, Any]) -> Convert:
    known = ", ".join(choices)

    def convert(name: str, text: str) -> Any:
        if text not in choices:
            raise bad_parameter(name, f"{name} must be one of {known}")
        return choices[text]

    return convert


def missing(name: str) -> PostroomError:
    """Return the error for a parameter that had to be given."""
    return bad_parameter(name, f"{name} is missing")
