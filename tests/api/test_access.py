"""Every endpoint, without credentials, with another account's ids, and with malformed ones."""

from typing import Any

import pytest

from postroom.api.ids import render_mail
from postroom.api.openapi import Endpoint, iter_endpoints
from postroom.api.operation import Access, Stream
from postroom.model.ids import FolderId, Uid
from tests.api.world import User, World, basic, make_message

MALFORMED = ["x", "80_", "ODBfMTE0XzEzNTQ=", "%ff", "%00", "a%20b", "-1", "9" * 100]
PDF = ("application/pdf", "a.pdf", b"pdf")


def endpoints(world: World) -> list[Endpoint]:
    found = list(iter_endpoints(world.app.app.routes))
    assert len(found) > 30
    return found


def protected(world: World) -> list[Endpoint]:
    return [one for one in endpoints(world) if one.declared.access is not Access.PUBLIC]


def is_endless(endpoint: Endpoint) -> bool:
    """Tell whether an answer never ends, which a client in process would wait for."""
    return isinstance(endpoint.declared.returns, Stream) and endpoint.declared.returns.is_endless


async def call(user: User, endpoint: Endpoint, values: dict[str, str], query: dict[str, Any]) -> Any:
    path = endpoint.path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    body: Any = None
    if endpoint.method == "PATCH":
        body = {"isUnread": False}
    elif endpoint.declared.body is not None:
        query = {**query, "partIds": 0}
    return await user.client.request(endpoint.method, path, params=query, json=body)


@pytest.mark.parametrize("authorization", [None, basic("ann@example.test", "wrong"), "Bearer abc"])
async def test_credentials_are_required(world: World, ann: User, authorization: str | None) -> None:
    client = world.connect(authorization)
    is_guess = authorization is not None and authorization.startswith("Basic")
    user = User(world, ann.account, client)
    for endpoint in protected(world):
        response = await call(user, endpoint, {}, {})
        # Whoever guesses often is told to wait instead.
        assert response.status_code in {401, 429} if is_guess else response.status_code == 401, endpoint
        assert response.headers["x-request-id"]
        if endpoint.method != "HEAD":
            assert response.json()["errorCode"] in {"notAuthenticated", "tooManyRequests"}


async def test_other_accounts_do_not_exist(world: World, ann: User, ben: User) -> None:
    mail = await ben.deliver(make_message(attachments=(PDF,)))
    values = {
        "mailId": mail,
        "folderId": ben.inbox,
        "partId": "0",
        "attachmentId": "0",
        "innerAttachmentId": "0",
    }
    called = 0
    for endpoint in protected(world):
        query = {"folderId": ben.inbox} if endpoint.declared.operation_id == "listMails" else {}
        if not endpoint.path_parameters and not query:
            continue
        called += 1
        response = await call(ann, endpoint, values, query)
        assert response.status_code == 404, endpoint
        if endpoint.method != "HEAD":
            assert response.json()["errorCode"] == "notFound"
    assert called > 25
    token = await ann.client.get("/api/v1/mails", params={"folderId": ben.inbox, "syncTokenOnly": "1"})
    assert token.status_code == 404
    assert (await ben.get(f"/api/v1/mails/{mail}"))["isUnread"] is True


@pytest.mark.parametrize("malformed", MALFORMED)
async def test_malformed_ids(world: World, ann: User, malformed: str) -> None:
    mail = await ann.deliver(make_message(attachments=(PDF,)))
    right = {
        "mailId": mail,
        "folderId": ann.inbox,
        "partId": "0",
        "attachmentId": "0",
        "innerAttachmentId": "0",
    }
    for endpoint in protected(world):
        for name in [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]:
            response = await call(ann, endpoint, {**right, name: malformed}, {})
            assert response.status_code == 400, endpoint
            if endpoint.method != "HEAD":
                assert response.json()["details"] == {"parameter": name}


async def test_gone_ids(world: World, ann: User) -> None:
    owner = ann.account.account_id
    for folder, uid in [(2, 999), (999, 1), (2, 0), (0, 0), (2**63 - 1, 2**63 - 1)]:
        mail = render_mail(owner, FolderId(folder), Uid(uid))
        response = await ann.client.get(f"/api/v1/mails/{mail}")
        assert response.status_code == 404
    for folder in (0, 1, 999, 2**63 - 1):
        for path in (f"/api/v1/folders/{owner}_{folder}", f"/api/v1/mails?folderId={owner}_{folder}"):
            assert (await ann.client.get(path)).status_code == 404


async def test_trailing_slashes(world: World, ann: User) -> None:
    mail = await ann.deliver(make_message(attachments=(PDF,)))
    values = {"mailId": mail, "folderId": ann.inbox, "partId": "0", "attachmentId": "0"}
    for endpoint in endpoints(world):
        if (
            endpoint.method not in {"GET", "HEAD"}
            or endpoint.path.endswith("/eml")
            or "inner" in endpoint.path
            or is_endless(endpoint)
        ):
            continue
        query = {"folderId": ann.inbox} if endpoint.declared.operation_id == "listMails" else {}
        without = await call(ann, endpoint, values, query)
        slashed = endpoint._replace(path=endpoint.path + "/")
        with_slash = await call(ann, slashed, values, query)
        assert without.status_code == with_slash.status_code == 200, endpoint
        assert without.content == with_slash.content
