"""The OpenAPI 3.1 document, made from the routes that are really registered.

Each handler carries its :class:`Operation`; shapes become JSON Schema by msgspec, so a member can only be described
as it is sent. Examples are composed from the examples of the fields.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, get_args, get_origin

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.routes.base import BaseRoute

import postroom
from postroom.api.changes import CHANGES
from postroom.api.errors import STATUS_OF_CODE, STATUS_OF_KIND, ErrorBody
from postroom.api.idempotency import WRITING_METHODS
from postroom.api.openapi_tables import (
    DESCRIPTION,
    EVERYWHERE,
    FILE,
    FILES,
    HEADER_OF_STATUS,
    KIND_OF_CODE,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    SECURITY_SCHEMES,
    STATUS_TEXT,
    JSONObject,
)
from postroom.api.operation import Access, Operation, Returned, Stream
from postroom.api.schemas.fields import PATH_KINDS
from postroom.api.settings import API_VERSION

_PATH_PARAMETER = re.compile(r"\{(\w+):\w+\}")
_SCHEMA_REF = "#/components/schemas/{name}"


class Endpoint(NamedTuple):
    """A method of a path, as registered."""

    path: str
    method: str
    handler: HTTPRouteHandler
    declared: Operation
    path_parameters: tuple[str, ...]


def iter_endpoints(routes: Iterable[BaseRoute]) -> Iterator[Endpoint]:
    """Yield every declared endpoint of ``routes``, by path and method."""
    for route in sorted(routes, key=lambda one: one.path):
        if not isinstance(route, HTTPRoute):
            continue
        for handler in sorted(route.route_handlers, key=lambda one: sorted(one.http_methods)):
            declared = handler.opt.get("operation")
            if declared is None:
                continue
            names = tuple(_PATH_PARAMETER.findall(route.path))
            path = _PATH_PARAMETER.sub(lambda found: f"{{{to_camel(found[1])}}}", route.path)
            for method in sorted(handler.http_methods):
                yield Endpoint(path, method, handler, declared, names)


def make_document(routes: Iterable[BaseRoute]) -> JSONObject:
    """Return the document of all endpoints of ``routes``."""
    endpoints = list(iter_endpoints(routes))
    schemas = _collect_schemas(endpoints)
    paths: dict[str, JSONObject] = {}
    seen: dict[str, int] = {}
    for endpoint in endpoints:
        seen[endpoint.declared.operation_id] = number = seen.get(endpoint.declared.operation_id, 0) + 1
        described = _describe(endpoint, schemas)
        described["operationId"] = _make_operation_id(endpoint, number)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Postroom",
            "version": API_VERSION,
            "summary": f"The mailbox API of Postroom {postroom.__version__}",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "x-errors": list_errors(paths),
        "x-changes": [{"version": one.number, "changes": list(one.changes)} for one in CHANGES],
        "paths": paths,
        "components": {
            "schemas": {
                name: schemas[name] for name in sorted(schemas) if name not in _query_names(endpoints)
            },
            "headers": RESPONSE_HEADERS,
            "parameters": REQUEST_HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def list_errors(paths: dict[str, JSONObject]) -> list[JSONObject]:
    """Return every error code that the calls of ``paths`` may answer with, by status."""
    found: dict[str, int] = {}
    for item in paths.values():
        for described in item.values():
            for status, response in described["responses"].items():
                if int(status) >= 400:
                    found |= dict.fromkeys(re.findall(r"`(\w+)`", response["description"]), int(status))
    ordered = sorted(found.items(), key=lambda one: (one[1], one[0]))
    return [
        {"errorCode": code, "status": status, "description": STATUS_TEXT[status]} for code, status in ordered
    ]


def to_camel(name: str) -> str:
    """Return a snake_case name as it goes over the wire."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _make_operation_id(endpoint: Endpoint, number: int) -> str:
    """Return an id that is unique though a handler serves several methods and paths."""
    suffix = "Head" if endpoint.method == "HEAD" else ""
    paths = (
        number
        if len(endpoint.handler.http_methods) == 1
        else (number + 1) // len(endpoint.handler.http_methods)
    )
    return f"{endpoint.declared.operation_id}{suffix}{paths if paths > 1 else ''}"


def _query_names(endpoints: list[Endpoint]) -> set[str]:
    return {one.declared.query.__name__ for one in endpoints if one.declared.query is not None}


def _collect_schemas(endpoints: list[Endpoint]) -> dict[str, JSONObject]:
    kinds: dict[type, None] = {ErrorBody: None}
    for one in endpoints:
        returns = one.declared.returns
        for kind in (
            *(returns if isinstance(returns, tuple) else (_item_of(returns) or returns,)),
            one.declared.begins,
            one.declared.query,
            one.declared.body,
        ):
            if isinstance(kind, type):
                kinds[kind] = None
    _, components = msgspec.json.schema_components(kinds, ref_template=_SCHEMA_REF)
    for component in components.values():
        if component.get("type") == "object":
            component["additionalProperties"] = False
        if "description" in component:
            component["description"] = _to_markdown(component["description"])
    return components


def _describe(endpoint: Endpoint, schemas: dict[str, JSONObject]) -> JSONObject:
    declared = endpoint.declared
    described: JSONObject = {
        "tags": [declared.tag],
        "summary": declared.summary,
        "description": _describe_object(endpoint.handler.fn),
        "parameters": _describe_parameters(endpoint, schemas),
        "responses": _describe_responses(endpoint, schemas),
        "security": _describe_security(declared),
    }
    if declared.body is not None:
        body = _ref(declared.body)
        described["requestBody"] = {
            "required": endpoint.method not in {"GET", "POST"},
            "content": {"application/json": {"schema": body, "example": make_example(body, schemas)}},
        }
    if declared.takes_files or declared.max_file_bytes:
        files = FILE if declared.max_file_bytes else FILES
        texts = {kind: {"schema": {"type": "string"}, "example": ""} for kind in declared.file_types}
        described["requestBody"] = {"required": True, "content": {**texts, "multipart/form-data": files}}
    return described


def _describe_object(documented: object) -> str:
    return _to_markdown((documented.__doc__ or "").strip())


def _to_markdown(docstring: str) -> str:
    """Return a docstring with the code in it marked as OpenAPI has it."""
    return docstring.replace("``", "`")


def _describe_security(declared: Operation) -> list[JSONObject]:
    if declared.access is Access.PUBLIC:
        return []
    if declared.access is Access.LOGIN:
        return [{"basic": []}]
    ways: list[JSONObject] = [
        {"basic": []},
        {"basic": [], "session": []},
        {"cookie": [], "cookieSession": []},
    ]
    return [*ways, {"ticket": []}] if declared.access is Access.TICKET else ways


def _describe_parameters(endpoint: Endpoint, schemas: dict[str, JSONObject]) -> list[JSONObject]:
    parameters: list[JSONObject] = [
        {
            "name": to_camel(name),
            "in": "path",
            "required": True,
            "schema": msgspec.json.schema(PATH_KINDS[name]),
        }
        for name in endpoint.path_parameters
    ]
    if endpoint.declared.query is not None:
        parameters += _describe_query(schemas[endpoint.declared.query.__name__])
    if _is_conditional(endpoint):
        parameters.append({"$ref": "#/components/parameters/If-None-Match"})
    if _is_download(endpoint.declared) and endpoint.method == "GET":
        parameters.append({"$ref": "#/components/parameters/Range"})
    if _is_remembered(endpoint):
        parameters.append({"$ref": "#/components/parameters/Idempotency-Key"})
    if endpoint.declared.needs_security_token:
        parameters.append({"$ref": "#/components/parameters/X-Axigen-Security-Token"})
    parameters += [{"$ref": f"#/components/parameters/{name}"} for name in endpoint.declared.headers]
    return parameters


def _describe_query(query: JSONObject) -> list[JSONObject]:
    parameters = []
    for name, member in query["properties"].items():
        schema = _drop_null(member)
        description = schema.pop("description", None)
        parameter = {"name": name, "in": "query", "required": name in query["required"], "schema": schema}
        parameters.append(parameter | ({"description": description} if description else {}))
    return parameters


def _drop_null(schema: JSONObject) -> JSONObject:
    """Return ``schema`` of a query parameter: absence is its null."""
    kept = {name: value for name, value in schema.items() if not (name == "default" and value is None)}
    choices = [one for one in kept.pop("anyOf", []) if one != {"type": "null"}]
    for choice in choices:
        kept.update(choice)
    return kept


def _is_download(declared: Operation) -> bool:
    return isinstance(declared.returns, Stream) and declared.returns.is_download


def _is_conditional(endpoint: Endpoint) -> bool:
    tagged = endpoint.declared.has_etag or _is_download(endpoint.declared)
    return tagged and endpoint.method in {"GET", "HEAD"}


def _describe_responses(endpoint: Endpoint, schemas: dict[str, JSONObject]) -> JSONObject:
    declared = endpoint.declared
    responses: JSONObject = {"200": _describe_success(endpoint, declared.returns, schemas)}
    if declared.may_be_empty:
        responses["204"] = {"description": declared.may_be_empty, "headers": _headers()}
    if declared.begins is not None:
        responses["201"] = _describe_success(endpoint, declared.begins, schemas)
    if _is_conditional(endpoint):
        responses["304"] = {"description": "The client has it.", "headers": _headers("ETag")}
    codes = _list_codes(endpoint)
    if _is_download(declared) and endpoint.method == "GET":
        responses["206"] = _describe_success(endpoint, declared.returns, schemas) | {
            "headers": _headers("ETag", "Content-Range")
        }
        codes.append("rangeNotSatisfiable")
    by_status: dict[int, list[str]] = {}
    for code in codes:
        status = STATUS_OF_CODE.get(code) or STATUS_OF_KIND[KIND_OF_CODE[code]]
        by_status.setdefault(status, []).append(code)
    for status, together in sorted(by_status.items()):
        responses[str(status)] = _describe_error(status, together, endpoint.method)
    return responses


def _list_codes(endpoint: Endpoint) -> list[str]:
    declared = endpoint.declared
    codes = [*EVERYWHERE, *(code for code in declared.errors if code not in EVERYWHERE)]
    if declared.access is not Access.PUBLIC:
        everybodys = ("notPermitted", "notAuthenticated", "tooManyRequests")
        codes += [code for code in everybodys if code not in codes]
    if declared.needs_security_token:
        needed = ("securityTokenRequired", "sessionRequired")
        codes += [code for code in needed if code not in codes]
    query = declared.query.__struct_fields__ if declared.query is not None else ()
    if endpoint.path_parameters or "folder_id" in query:
        codes.append("notFound")
    if _is_remembered(endpoint) and "conflict" not in codes:
        codes.append("conflict")
    return codes


def _is_remembered(endpoint: Endpoint) -> bool:
    declared = endpoint.declared
    is_keyed = declared.access is Access.ACCOUNT and not declared.unremembered
    return is_keyed and endpoint.method in WRITING_METHODS


def _describe_success(
    endpoint: Endpoint,
    returns: Returned,
    schemas: dict[str, JSONObject],
) -> JSONObject:
    special = ["ETag"] if _is_conditional(endpoint) else []
    special += ["Idempotency-Replayed"] if _is_remembered(endpoint) else []
    special += endpoint.declared.response_headers
    headers = _headers(*special)
    if returns is None:
        return {"description": "Done; the response is empty.", "headers": headers}
    if isinstance(returns, Stream):
        described: JSONObject = {"description": returns.description, "headers": headers}
        if endpoint.method != "HEAD":
            described["content"] = {media_type: {} for media_type in returns.media_types}
        return described
    item = _item_of(returns)
    kinds = returns if isinstance(returns, tuple) else (item or returns,)
    described = {"description": _describe_object(kinds[0]), "headers": headers}
    if endpoint.method != "HEAD":
        schema = _ref(kinds[0]) if len(kinds) == 1 else {"anyOf": [_ref(kind) for kind in kinds]}
        schema = schema if item is None else {"type": "array", "items": schema}
        described["content"] = {
            "application/json": {"schema": schema, "example": make_example(schema, schemas)}
        }
    return described


def _item_of(returns: Returned) -> type | None:
    """Return what an answer is a list of, None for another answer."""
    items = get_args(returns) if get_origin(returns) is list else ()
    return items[0] if items else None


def _describe_error(status: int, codes: list[str], method: str) -> JSONObject:
    special = [HEADER_OF_STATUS[status]] if status in HEADER_OF_STATUS else []
    described: JSONObject = {
        "description": f"{STATUS_TEXT[status]} (`{'`, `'.join(codes)}`)",
        "headers": _headers(*special),
    }
    if method != "HEAD":
        example = {"errorCode": codes[0], "message": STATUS_TEXT[status], "details": {}}
        described["content"] = {"application/json": {"schema": _ref(ErrorBody), "example": example}}
    return described


def _headers(*names: str) -> JSONObject:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}


def _ref(kind: type) -> JSONObject:
    return {"$ref": _SCHEMA_REF.format(name=kind.__name__)}


def make_example(schema: JSONObject, schemas: dict[str, JSONObject], *, above: tuple[str, ...] = ()) -> Any:
    """Return a value that ``schema`` accepts, made of the examples that its fields carry.

    ``above`` names the shapes that the value is inside of: a tree is cut where it would come back to one of them.
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return make_example(schemas[name], schemas, above=(*above, name))
    if "examples" in schema:
        return schema["examples"][0]
    if "anyOf" in schema:
        return make_example(schema["anyOf"][0], schemas, above=above)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        members = schema.get("properties", {})
        return {name: make_example(member, schemas, above=above) for name, member in members.items()}
    if kind == "array":
        items = schema.get("items") or {"type": "integer"}
        if items.get("$ref", "").rpartition("/")[2] in above:
            return []
        return [make_example(items, schemas, above=above)] * schema.get("minItems", 1)
    return {"string": "", "boolean": False, "integer": max(0, schema.get("minimum", 0))}.get(str(kind))
