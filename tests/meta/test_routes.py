"""Routes and their description agree, and every endpoint is described whole."""

import inspect
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from litestar.routes import HTTPRoute
from openapi_spec_validator import validate

from postroom.api.build import build_router
from postroom.api.openapi import make_document, to_camel

MAX_ROUTE_LINES = 15
UNDESCRIBED = {
    "/",
    "/manifest.webmanifest",
    "/sw.js",
    "/web/{file_path:path}",
    "/api/docs",
    "/api/docs/docs.css",
    "/api/docs/docs.js",
    "/api/docs/try.js",
    "/healthz",
    "/metrics",
    "/readyz",
}
"""Paths that are no part of the interface."""
PUBLISHED = """
GET /api
POST /api/v1/login
POST /api/v1/login/cookie
GET /api/v1/captcha
GET /api/v1/captcha/status
GET /api/v1/captha
GET /api/v1/captha/status
POST /api/v1/logout
GET HEAD /api/v1/mails/counters
GET /api/v1/events
POST /api/v1/events/ticket
GET /api/v1/account/aliases
GET HEAD PUT DELETE /api/v1/account/avatar
GET PUT /api/v1/account/contactinfo
GET /api/v1/account/indexinfo
GET /api/v1/account/info
GET POST /api/v1/account/apppasswords
DELETE /api/v1/account/apppasswords/{appPasswordId}
GET POST /api/v1/account/badgetokens
DELETE /api/v1/account/badgetokens/{badgeTokenId}
POST DELETE /api/v1/account/security/2fa
POST /api/v1/account/security/2fa/recoverycodes
POST /api/v1/account/security/check
GET POST DELETE /api/v1/account/security/methods
DELETE /api/v1/account/security/methods/{methodId}
POST /api/v1/account/security/methods/{methodId}/activate
GET /api/v1/account/security/methods/{methodId}/qr
POST /api/v1/account/security/methods/{methodId}/sendtoken
POST /api/v1/login/2fa
GET /api/v1/recover/password/methods
POST /api/v1/recover/password/reset
POST /api/v1/recover/password/sendtoken
POST /api/v1/recover/password/validatetoken
POST /api/v1/recover/username
POST /api/v1/account/password/reset
POST /api/v1/account/password/set
GET PATCH /api/v1/account/settings
GET POST DELETE /api/v1/account/settings/client
GET POST DELETE /api/v1/account/settings/ui
GET POST /api/v1/account/signatures
GET PUT DELETE /api/v1/account/signatures/{signatureId}
GET /api/v1/account/security/events
GET POST /api/v1/account/temporaryaliases
DELETE /api/v1/account/temporaryaliases/{temporaryAliasId}
GET POST PUT /api/v1/account/vacation
GET PATCH /api/v1/account/avas
GET POST /api/v1/account/avas/blacklist
PUT DELETE /api/v1/account/avas/blacklist/{blackId}
GET POST /api/v1/account/avas/whitelist
PUT DELETE /api/v1/account/avas/whitelist/{whiteId}
GET /api/v1/account/avas/filters/onoff
GET POST /api/v1/account/avas/filters/onoff/preset
GET /api/v1/account/avas/filters/onoff/presets
PATCH /api/v1/account/avas/filters/onoff/{filterId}
POST /api/v1/batch/conversations/delete
POST /api/v1/batch/conversations/labels/add
POST /api/v1/batch/conversations/labels/remove
POST /api/v1/batch/conversations/move
POST /api/v1/batch/conversations/update
POST /api/v1/batch/mails/copy
POST /api/v1/batch/mails/delete
POST /api/v1/batch/mails/labels/add
POST /api/v1/batch/mails/labels/remove
POST /api/v1/batch/mails/move
POST /api/v1/batch/mails/update
GET /api/v1/batch/{jobKey}
GET /api/v1/conversations
GET PATCH DELETE /api/v1/conversations/{conversationId}
POST /api/v1/conversations/{conversationId}/labels
DELETE /api/v1/conversations/{conversationId}/labels/{labelId}
POST /api/v1/conversations/{conversationId}/move
POST /api/v1/conversations/{conversationId}/spam
GET /api/v1/conversations/{conversationId}/why
POST /api/v1/undo
GET /api/v1/operations
POST /api/v1/operations/{operationId}/undo
GET POST /api/v1/folders
GET /api/v1/folders/delta
GET PATCH DELETE /api/v1/folders/{folderId}
POST /api/v1/folders/{folderId}/move
GET PUT DELETE /api/v1/folders/{folderId}/permissions
GET POST /api/v1/contacts
GET /api/v1/contacts/autocomplete
POST /api/v1/contacts/avatars/search
GET /api/v1/contacts/delta
GET HEAD /api/v1/contacts/export
POST /api/v1/contacts/import
GET PATCH DELETE /api/v1/contacts/{contactId}
GET POST /api/v1/labels
POST /api/v1/bimi/search
GET PUT PATCH DELETE /api/v1/labels/{labelId}
GET POST /api/v1/mails
POST /api/v1/mails/send
POST /api/v1/mails/send/schedule
DELETE /api/v1/mails/send/schedule/{mailId}
POST /api/v1/mails/send/undo
PUT /api/v1/drafts/{mailId}
POST /api/v1/drafts/{mailId}/send
POST /api/v1/drafts/{mailId}/send/schedule
GET /api/v1/mails/delta
POST /api/v1/mails/search
GET /api/v1/mails/search/suggest
GET PATCH DELETE /api/v1/mails/{mailId}
POST /api/v1/mails/{mailId}/archive
GET /api/v1/mails/{mailId}/conversation
POST /api/v1/mails/{mailId}/copy
POST /api/v1/mails/{mailId}/labels
DELETE /api/v1/mails/{mailId}/labels/{labelId}
POST /api/v1/mails/{mailId}/move
POST /api/v1/mails/{mailId}/notspam
POST /api/v1/mails/{mailId}/spam
GET /api/v1/mails/{mailId}/body
GET HEAD /api/v1/mails/{mailId}/body/full
GET /api/v1/mails/{mailId}/parts
GET POST /api/v1/mails/{mailId}/parts/details
GET HEAD /api/v1/mails/{mailId}/parts/{partId}/details/full
GET /api/v1/mails/{mailId}/attachments
GET HEAD /api/v1/mails/{mailId}/attachments/download
GET HEAD /api/v1/mails/{mailId}/attachments/{attachmentId}
GET HEAD /api/v1/mails/{mailId}/attachments/{attachmentId}/download
GET HEAD /api/v1/mails/{mailId}/attachments/{attachmentId}/thumbnail
GET /api/v1/mails/{mailId}/attachments/{attachmentId}/eml
GET HEAD /api/v1/mails/{mailId}/attachments/{attachmentId}/eml/attachments/{innerAttachmentId}
GET HEAD /api/v1/mails/{mailId}/source
GET HEAD /api/v1/mails/{mailId}/source/download
GET HEAD /api/v1/mails/{mailId}/source/headers
GET HEAD /api/v1/mails/{mailId}/headers
GET POST /api/v1/account/webhooks
GET PATCH DELETE /api/v1/account/webhooks/{webhookId}
POST /api/v1/account/webhooks/{webhookId}/replay
POST /api/v1/temporaryAttachments
POST /api/v1/temporaryAttachments/store
GET HEAD DELETE /api/v1/temporaryAttachments/{temporaryAttachmentId}
GET /api/openapi.json
"""

ROUTER = build_router()
DOCUMENT = make_document(ROUTER.routes)
OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]


def registered() -> set[tuple[str, str]]:
    """Return path and method of all that the framework answers."""
    return {
        (re.sub(r"\{(\w+):\w+\}", lambda found: f"{{{to_camel(found[1])}}}", route.path), method)
        for route in ROUTER.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method != "OPTIONS" and route.path not in UNDESCRIBED
    }


def test_document_is_valid() -> None:
    validate(DOCUMENT)


def test_every_route_is_described() -> None:
    described = {(path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item}
    assert described == registered()


def test_endpoints_are_the_published_ones() -> None:
    lines = [line.split() for line in PUBLISHED.split("\n") if line]
    assert registered() == {(path, method) for *methods, path in lines for method in methods}


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9]+", one) for one in ids)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"].endswith(".")
    for name in re.findall(r"\{(\w+)\}", path):
        assert [one["in"] for one in operation["parameters"] if one.get("name") == name] == ["path"]
    assert {"405", "413", "431", "500", "503"} <= set(operation["responses"])
    if operation["security"]:
        assert {"401", "429"} <= set(operation["responses"])
    if "{" in path:
        assert {"400", "404"} <= set(operation["responses"])
    for status, response in operation["responses"].items():
        assert "X-Request-Id" in response["headers"], status
        if method == "head" or status == "304":
            assert "content" not in response


def media_objects(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the JSON bodies, asked and answered, of an operation."""
    holders = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [media for one in holders for media in one.get("content", {}).values() if "schema" in media]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_examples_are_valid(path: str, method: str, operation: dict[str, Any]) -> None:
    for media in media_objects(operation):
        schema = {**media["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(media["example"])


def test_routes_are_short() -> None:
    for route in ROUTER.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            lines = inspect.getsource(handler.fn).splitlines()
            start = next(
                number for number, line in enumerate(lines) if re.match(r"\s*async def|\s*def", line)
            )
            docstring = (handler.fn.__doc__ or "").count("\n") + 1
            assert len(lines) - start - docstring <= MAX_ROUTE_LINES, handler


def test_what_may_begin_a_job_says_so() -> None:
    begun = {
        operation["operationId"]
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        if "201" in operation["responses"]
    }
    batches = {"copyMails", "deleteMails", "labelMails", "moveMails", "unlabelMails", "updateMails"}
    batches |= {name.replace("Mails", "Conversations") for name in batches - {"copyMails"}}
    assert begun == batches | {"undo", "undoOperation"}
