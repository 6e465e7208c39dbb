"""Every endpoint, without credentials, with another account's ids, and with malformed ones.

:data:`ROWS` has a row for each endpoint: a call of it that is right. In the place of each id stands ``ID``, and each
is tried in turn while all others are right, so that a refusal can only be for that one.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import unquote

import httpx
import msgspec
import pytest

from postroom.api.ids import render_mail
from postroom.api.openapi import Endpoint, iter_endpoints
from postroom.api.operation import Access, Stream
from postroom.errors import PostroomError
from postroom.model.ids import FolderId, Uid
from tests.api.world import PASSWORD, User, World, basic, make_message

MALFORMED = [
    "x",
    "80_",
    "80_2%0a",
    "ODBfMTE0XzEzNTQ=",
    "99999999999999999999_1",
    "%ff",
    "%00",
    "a%20b",
    "-1",
    "9" * 100,
]
PDF = ("application/pdf", "a.pdf", b"pdf")
ID = "an id goes here"
NUMBER = "a number goes here"
SESSION = "X-Axigen-Session"
TOKEN = "X-Axigen-Security-Token"
INSIDE = {"partId": "0", "attachmentId": "0", "innerAttachmentId": "0", "filterId": "1"}
"""Numbers of what is inside of a mail, or of what each account has: they name nothing by themselves."""
SAME_KIND = {
    "activeConversationId": "conversationId",
    "activeMailId": "mailId",
    "contactIds": "contactId",
    "destinationFolderId": "folderId",
    "folderIds": "folderId",
    "ids": "mailId",
    "mailIds": "mailId",
    "parentId": "folderId",
    "refwMailId": "mailId",
    "scope": "folderId",
}
"""Parameters that take what goes by another name in paths."""
UNUSED = {
    "IndexQuery.ids": "names of indexes, not ids",
    "SendToUndo.processingId": "a number, not an id: the tests of sending try those of others",
    "LoginStep.methodId": "a step of a login: the tests of second steps try others",
    "SecondStep.methodId": "where 2-step verification is off, nothing is looked at: those tests, too",
    "BatchBody.folderId": "where the conversations of ranges are listed: the tests of conversations try others",
}
"""Parameters that name something, and have nothing done to it; with the reason."""

_numbers = count()


class Row(NamedTuple):
    """A right call of an endpoint."""

    body: dict[str, Any] | None = None
    query: dict[str, Any] | None = None
    in_session: bool = False
    """The call names the session in which the things were made."""
    told: str = ""
    """The parameter whose ids are not refused if they name nothing: the answer tells which they are."""
    mail: str = "mailId"
    """The thing whose id is right for the mail in the path."""
    ids: str = "mailId"
    """The thing whose id is right among those in the body."""
    content: str = ""
    """The body, where it is no JSON."""
    folder: str = "folderId"
    """The folder that is right for the endpoint."""
    is_a_step: bool = False
    """Right after other calls alone, which tests of its own make."""

    @property
    def names(self) -> list[str]:
        """The parameters of query and body that take an id."""
        given = {**(self.query or {}), **(self.body or {})}
        return [name for name, value in given.items() if value in (ID, [ID])]


IN_FOLDER = Row(query={"folderId": ID})
TO_FOLDER = Row({"destinationFolderId": ID})
NAME = Row({"name": "Another name"})
PARTS = Row(query={"partIds": "0"})
LABELLED = Row({"ids": [ID], "labelId": ID}, told="ids")
MOVED = Row({"ids": [ID], "destinationFolderId": ID}, told="ids")
VACATION = Row(
    {
        "age": 7,
        "applyAlways": True,
        "applyToExternal": True,
        "applyToInternal": True,
        "body": "Away",
        "enabled": True,
    }
)
ANSWER = {"to": "carl@example.org", "refwType": "re", "refwMailId": ID}
LATER = {"deliveryTime": 1_744_500_000}
STEP = Row(in_session=True, is_a_step=True)
CODE = STEP._replace(body={"methodId": ID, "totpToken": "000000"})
ROWS = {
    "activateSecurityMethod": STEP._replace(body={"totpToken": "000000"}),
    "addConversationLabel": Row({"labelId": ID}),
    "addLabel": Row({"labelId": ID}),
    "addToBlacklist": Row({"emailAddress": "black@example.org"}),
    "addToWhitelist": Row({"emailAddress": "white@example.org"}),
    "archiveMail": Row(),
    "cancelSchedule": Row(mail="scheduledId"),
    "changeBlacklistEntry": Row({"emailAddress": "blacker@example.org"}),
    "changeContact": Row({"name": "Another name", "folderId": ID}, folder="contactFolderId"),
    "changeFilterOptions": Row({"whitelistIncludeAddressBook": False}),
    "changeSettings": Row({"theme": "breeze"}),
    "changeSignature": Row({"name": "Another name"}),
    "changeWebhook": Row({"folderId": ID}),
    "changeWhitelistEntry": Row({"emailAddress": "whiter@example.org"}),
    "checkPassword": Row({"password": "correct horse"}, in_session=True),
    "completeContacts": Row(query={"query": "a"}),
    "copyMail": TO_FOLDER,
    "copyMails": MOVED,
    "createAppPassword": NAME,
    "createBadgeToken": NAME,
    "createContact": Row({"name": "New", "folderId": ID}, folder="contactFolderId"),
    "createFolder": Row({"name": "New", "parentId": ID}),
    "createLabel": NAME,
    "createMail": Row({**ANSWER, "folderId": ID}),
    "createSecurityMethod": Row({"method": "authApp"}),
    "createSignature": Row({"name": "New", "type": "text", "body": "Bye"}),
    "createTemporaryAlias": Row(),
    "createWebhook": Row({"url": "https://hooks.example.com/", "folderId": ID}),
    "deleteAppPassword": Row(),
    "deleteAvatar": Row(),
    "deleteBadgeToken": Row(),
    "deleteClientSettings": Row(),
    "deleteContact": Row(),
    "deleteConversation": Row(),
    "deleteConversations": Row({"ids": [ID]}, told="ids", ids="conversationId"),
    "deleteFolder": Row(),
    "deleteLabel": Row(),
    "deleteMail": Row(),
    "deleteMails": Row({"ids": [ID]}, told="ids"),
    "deletePermissions": Row(query={"account": "guest@example.test"}),
    "deleteSecurityMethod": STEP,
    "deleteSecurityMethods": Row(),
    "deleteSignature": Row(),
    "deleteTemporaryAlias": Row(),
    "deleteTemporaryAttachment": Row(in_session=True),
    "deleteUISettings": Row(),
    "deleteWebhook": Row(),
    "disableTwoFactor": Row({"methodId": "1_1", "totpToken": "000000"}),
    "downloadAttachment": Row(),
    "downloadAttachments": Row(),
    "downloadBody": Row(),
    "downloadPart": Row(),
    "downloadSource": Row(),
    "enableTwoFactor": CODE,
    "explainConversation": Row(),
    "exportContacts": IN_FOLDER._replace(folder="contactFolderId"),
    "getAccountInfo": Row(),
    "getAttachedMail": Row(),
    "getAttachedMailAttachment": Row(),
    "getAttachment": Row(),
    "getAvatar": Row(),
    "getBatch": Row(),
    "getBody": Row(),
    "getClientSettings": Row(),
    "getContact": Row(),
    "getContactDelta": IN_FOLDER._replace(folder="contactFolderId"),
    "getContactInfo": Row(),
    "getConversation": Row(query={"mailIds": ID}, told="mailIds"),
    "getCounters": Row(),
    "getFilterOptions": Row(),
    "getFilterPreset": Row(),
    "getFolder": Row(),
    "getFolderDelta": Row(),
    "getHeaders": Row(),
    "getIndexInfo": Row(query={"ids": "search", "scope": ID}),
    "getLabel": Row(),
    "getMail": Row(),
    "getMailConversation": Row(),
    "getMailDelta": IN_FOLDER,
    "getPartData": PARTS,
    "getParts": Row(),
    "getSecurityMethodQR": STEP,
    "getSettings": Row(),
    "getSignature": Row(),
    "getSource": Row(),
    "getTemporaryAttachment": Row(in_session=True),
    "getThumbnail": Row(),
    "getUISettings": Row(),
    "getVacation": Row(),
    "getWebhook": Row(),
    "importContacts": IN_FOLDER._replace(
        folder="contactFolderId", content="BEGIN:VCARD\nFN:Bea\nEND:VCARD\n"
    ),
    "issueTicket": Row(),
    "labelConversations": LABELLED._replace(ids="conversationId"),
    "labelMails": LABELLED,
    "listAliases": Row(),
    "listAppPasswords": Row(),
    "listAttachments": Row(),
    "listBadgeTokens": Row(),
    "listBlacklist": Row(),
    "listContacts": IN_FOLDER._replace(folder="contactFolderId"),
    "listConversations": Row(query={"folderId": ID, "activeConversationId": ID}, told="activeConversationId"),
    "listFilterPresets": Row(),
    "listFilters": Row(),
    "listFolders": Row(),
    "listLabels": Row(),
    "listMails": Row(query={"folderId": ID, "activeMailId": ID}, told="activeMailId"),
    "listOperations": IN_FOLDER,
    "listPermissions": Row(),
    "listSecurityMethods": Row(),
    "listSignatures": Row(),
    "listSecurityEvents": Row(),
    "listTemporaryAliases": Row(),
    "listWebhooks": Row(),
    "listWhitelist": Row(),
    "login": Row(),
    "logout": Row(),
    "makeRecoveryCodes": Row(),
    "markConversationSpam": Row(),
    "markNotSpam": TO_FOLDER,
    "markSpam": Row(),
    "moveConversation": TO_FOLDER,
    "moveConversations": MOVED._replace(ids="conversationId"),
    "moveFolder": Row({"parentId": ID}),
    "moveMail": TO_FOLDER,
    "moveMails": MOVED,
    "passSecondStep": Row({"recoveryCode": "x"}),
    "queryPartData": PARTS,
    "removeConversationLabel": Row(),
    "removeFromBlacklist": Row(),
    "removeFromWhitelist": Row(),
    "removeLabel": Row(),
    "renameFolder": NAME,
    "renameLabel": NAME,
    "replaceDraft": Row(ANSWER, mail="draftId"),
    "replaceLabel": Row({"name": "Yet another name"}),
    "replaceVacation": VACATION,
    "replayWebhook": Row({"from": 0}),
    "resetPassword": Row({"oldPassword": "correct horse", "newPassword": "correct horse"}),
    "scheduleDraft": Row(LATER, mail="draftId"),
    "scheduleMail": Row({**ANSWER, **LATER}),
    "searchContactAvatars": Row({"contactIds": [ID]}, told="contactIds"),
    "searchLogos": Row({"bimiLocations": ["0" * 32]}),
    "searchMails": Row({"folderIds": [ID], "query": []}),
    "sendDraft": Row(mail="draftId"),
    "sendMail": Row(ANSWER),
    "sendMethodToken": STEP,
    "setAvatar": Row(),
    "setClientSettings": Row({"clientSettings": "{}"}),
    "setContactInfo": Row({"firstName": "Ann"}),
    "setConversationFlags": Row({"isUnread": False}),
    "setFilterPreset": Row({"preset": "strong"}),
    "setMailFlags": Row({"isUnread": False}),
    "setPassword": Row({"newPassword": "battery staple"}),
    "setPermissions": Row({"account": "guest@example.test", "permissions": ["l", "r"]}),
    "setUISettings": Row({"uiSettings": "{}"}),
    "setVacation": VACATION,
    "storeTemporaryAttachments": Row({"mailId": ID}, in_session=True),
    "streamEvents": Row(),
    "suggestSearches": Row(query={"prefix": "an"}),
    "switchFilter": Row({"enabled": True}),
    "undo": Row(),
    "undoOperation": Row(),
    "undoSend": Row({"processingId": NUMBER, "mailId": ID}, mail="sentId"),
    "unlabelConversations": LABELLED._replace(ids="conversationId"),
    "unlabelMails": LABELLED,
    "updateConversations": Row({"ids": [ID], "isUnread": False}, told="ids", ids="conversationId"),
    "updateMails": Row({"ids": [ID], "isUnread": False}, told="ids"),
    "uploadTemporaryAttachments": Row(in_session=True),
}


def endpoints(world: World) -> list[Endpoint]:
    found = list(iter_endpoints(world.app.app.router.routes))
    assert len(found) > 70
    return found


def protected(world: World) -> list[Endpoint]:
    return [one for one in endpoints(world) if one.declared.access is not Access.PUBLIC]


def names_of(endpoint: Endpoint) -> list[str]:
    """Return all parameters that take an id."""
    in_path = re.findall(r"\{(\w+)\}", endpoint.path)
    return [*in_path, *ROWS[endpoint.declared.operation_id].names]


def fit(endpoint: Endpoint, things: dict[str, str]) -> dict[str, str]:
    """Return the things with those that are right for an endpoint."""
    row = ROWS[endpoint.declared.operation_id]
    return {**things, "mailId": things[row.mail], "ids": things[row.ids], "folderId": things[row.folder]}


def is_endless(endpoint: Endpoint) -> bool:
    """Tell whether an answer never ends, which a client in process would wait for."""
    return isinstance(endpoint.declared.returns, Stream) and endpoint.declared.returns.is_endless


async def call(user: User, endpoint: Endpoint, values: dict[str, str]) -> httpx.Response:
    """Make the call of the endpoint's row; ``values`` are the ids by the names of their parameters."""
    row = ROWS.get(endpoint.declared.operation_id, Row())
    path = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), endpoint.path)
    return await user.client.request(
        endpoint.method,
        path,
        params={name: fill(name, value, values) for name, value in (row.query or {}).items()},
        content=row.content or None,
        json=row.body and {name: fill(name, value, values) for name, value in row.body.items()},
        headers=name_session(endpoint, values),
    )


def name_session(endpoint: Endpoint, values: dict[str, str]) -> dict[str, str]:
    """Return the headers of the session and of its security token, where the call needs them."""
    is_secured = endpoint.declared.needs_security_token
    row = ROWS.get(endpoint.declared.operation_id, Row())
    needed = [SESSION, TOKEN] if is_secured else [SESSION] if row.in_session else []
    return {name: values[name] for name in needed if name in values}


def fill(name: str, value: Any, values: dict[str, str]) -> Any:
    """Return what goes into a parameter of query or body, where nothing is percent-encoded."""
    given = unquote(values.get(name, ""))
    if value == NUMBER:
        return int(given or 0)
    return given if value == ID else [given] if value == [ID] else value


async def make_things(user: User) -> dict[str, str]:
    """Make one of everything that has an id; return the ids by the names of their parameters."""

    async def make(path: str, body: Any) -> Any:
        response = await user.client.post(f"/api/v1/{path}", json=body)
        assert response.status_code in {200, 201}, response.text
        return response.json()

    inner = make_message(attachments=(PDF,))
    mail = await user.deliver(make_message(attachments=(("message/rfc822", "m", inner), PDF)))
    name = f"Made {next(_numbers)}"
    things = {
        "mailId": mail,
        "conversationId": (await user.get(f"/api/v1/mails/{mail}/conversation"))["id"],
        "folderId": (await make("folders", {"name": name}))["id"],
        "labelId": (await make("labels", {"name": name}))["id"],
        "contactId": (await make("contacts", {"name": name}))["id"],
        "contactFolderId": (await make("folders", {"name": f"{name} too", "type": "contacts"}))["id"],
        "whiteId": (
            await make("account/avas/whitelist", {"emailAddress": f"{name}@example.org".replace(" ", ".")})
        )["id"],
        "blackId": (
            await make("account/avas/blacklist", {"emailAddress": f"{name}@example.org".replace(" ", ".")})
        )["id"],
        "signatureId": (await make("account/signatures", {"name": name, "type": "text", "body": "Bye"}))[
            "id"
        ],
        "temporaryAliasId": (await make("account/temporaryaliases", {}))["id"],
        "webhookId": (await make("account/webhooks", {"url": "https://hooks.example.com/"}))["id"],
    }
    with every_batch_a_job():
        things["jobKey"] = (await make("batch/mails/update", {"ids": [mail], "isFlagged": True}))["jobKey"]
    letter = {"to": "carl@example.org"}
    sent = await make("mails/send", letter)
    things |= {
        "draftId": (await make("mails", letter))["id"],
        "scheduledId": (await make("mails/send/schedule", {**letter, **LATER}))["mailId"],
        "sentId": sent["mailId"],
        "processingId": str(sent["processingId"]),
    }
    made = await user.get("/api/v1/operations", kind="folders.create", limit=1)
    things["operationId"] = made["items"][0]["id"]
    permissions = f"/api/v1/folders/{things['folderId']}/permissions"
    with suppress(PostroomError):
        await user.world.add_account("guest@example.test")
    given = await user.client.put(permissions, json={"account": "guest@example.test", "permissions": ["l"]})
    assert given.status_code == 200
    things |= await upload_file(user)
    things |= await make_secrets(user, things[SESSION])
    # Its owner is told of that by a mail.
    await user.world.domain.doomed.wait()
    return things | INSIDE | {name: things[kind] for name, kind in SAME_KIND.items()}


async def clear_limited(*users: User) -> None:
    """Remove what an account may have few of."""
    for user in users:
        for kind in ("webhooks", "signatures", "temporaryaliases"):
            for one in (await user.get(f"/api/v1/account/{kind}"))["items"]:
                await user.client.delete(f"/api/v1/account/{kind}/{one['id']}")
        headers = await check_password(user, (await user.client.post("/api/v1/login")).json()["sessid"])
        for kind in ("apppasswords", "badgetokens"):
            for one in (await user.get(f"/api/v1/account/{kind}"))["items"]:
                await user.client.delete(f"/api/v1/account/{kind}/{one['id']}", headers=headers)


async def check_password(user: User, session: str) -> dict[str, str]:
    """Return the headers of calls that need a security token."""
    headers = {SESSION: session}
    checked = await user.client.post(
        "/api/v1/account/security/check", json={"password": PASSWORD}, headers=headers
    )
    return headers | {TOKEN: checked.json()["securityToken"]}


async def upload_file(user: User) -> dict[str, str]:
    """Have a new session upload a file; return the ids of both."""
    session = {SESSION: (await user.client.post("/api/v1/login")).json()["sessid"]}
    files = {"file": ("a.txt", b"text")}
    response = await user.client.post("/api/v1/temporaryAttachments", files=files, headers=session)
    assert response.status_code == 200, response.text
    return session | {"temporaryAttachmentId": str(response.json()["items"][0]["id"])}


async def make_secrets(user: User, session: str) -> dict[str, str]:
    """Make what needs a security token; return the ids, and the token."""
    headers, account = await check_password(user, session), "/api/v1/account"
    ids = {TOKEN: headers[TOKEN]}
    for name, path, body in (
        ("appPasswordId", "apppasswords", {"name": "A program"}),
        ("badgeTokenId", "badgetokens", {"name": "A widget"}),
        ("methodId", "security/methods", {"method": "authApp"}),
    ):
        made = await user.client.post(f"{account}/{path}", json=body, headers=headers)
        assert made.status_code == 200, made.text
        ids[name] = made.json()["id"]
    return ids


async def give_avatar(user: User) -> None:
    image = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
    response = await user.client.put("/api/v1/account/avatar", files={"file": ("a.gif", image)})
    assert response.status_code == 200, response.text


@contextmanager
def every_batch_a_job() -> Iterator[None]:
    """Have the keys of batches told, however small they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("postroom.api.jobs.WAITED_FOR", 0)
        yield


async def take_down(user: User) -> list[Any]:
    """Return all that the calls could change, with the tokens that tell of every change."""
    lists = ["folders", "contacts", "labels", "account/webhooks", "account/settings", "account/vacation"]
    lists += [
        "account/avas",
        "account/avas/whitelist",
        "account/avas/blacklist",
        "account/avas/filters/onoff",
    ]
    lists += ["account/contactinfo", "account/signatures", "account/temporaryaliases"]
    lists += ["account/apppasswords", "account/badgetokens", "account/security/methods"]
    lists += ["operations", "mails/counters"]
    return [await user.get(f"/api/v1/{path}") for path in lists] + [
        await user.get("/api/v1/mails", folderId=folder["id"])
        for folder in (await user.get("/api/v1/folders"))["items"]
        if folder["folderType"] == "mails"
    ]


def test_every_endpoint_has_a_row(world: World) -> None:
    assert {one.declared.operation_id for one in protected(world)} == set(ROWS)


def test_every_id_has_a_place(world: World) -> None:
    """A row has an ID wherever the endpoint takes one."""
    for endpoint in protected(world):
        declared = endpoint.declared
        known = {*names_of(endpoint), "partIds"}
        for kind in (declared.query, declared.body):
            fields = () if kind is None else msgspec.structs.fields(kind)
            names = {field.encode_name for field in fields if re.search(r"(?:^i|I)ds?$", field.encode_name)}
            unused = {name.rpartition(".")[2] for name in UNUSED if kind and is_under(kind, name)}
            assert names - unused <= known, endpoint


def is_under(kind: type, name: str) -> bool:
    return name.partition(".")[0] in {one.__name__ for one in kind.__mro__}


@pytest.mark.parametrize("authorization", [None, basic("ann@example.test", "wrong"), "Bearer abc"])
async def test_credentials_are_required(world: World, ann: User, authorization: str | None) -> None:
    things = await make_things(ann)
    before = await take_down(ann)
    client = world.connect(authorization)
    is_guess = authorization is not None and authorization.startswith("Basic")
    user = User(world, ann.account, client)
    for endpoint in protected(world):
        # Authentication comes before everything else: it makes no difference what is named.
        for values in ({}, things):
            response = await call(user, endpoint, values)
            # Whoever guesses often is told to wait instead.
            assert response.status_code in {401, 429} if is_guess else response.status_code == 401, endpoint
            assert response.headers["x-request-id"]
            if endpoint.method != "HEAD":
                assert response.json()["errorCode"] in {"notAuthenticated", "tooManyRequests"}
    if not is_guess:
        assert await take_down(ann) == before


async def test_other_accounts_do_not_exist(world: World, ann: User, ben: User) -> None:
    for number in range(9):
        # An operation is known by a number of its account: Ben's shall be one that Ann has not reached.
        assert (await ben.client.post("/api/v1/labels", json={"name": f"{number}"})).status_code == 200
    own, others = await make_things(ann), await make_things(ben)
    history = (await ann.get("/api/v1/operations"))["items"]
    assert others["operationId"] not in {operation["id"] for operation in history}
    before = await take_down(ann), await take_down(ben)
    tried = 0
    for endpoint in protected(world):
        row = ROWS[endpoint.declared.operation_id]
        for name in [one for one in names_of(endpoint) if one not in INSIDE and one != row.told]:
            tried += 1
            strange = fit(endpoint, others)[name]
            response = await call(ann, endpoint, {**fit(endpoint, own), name: strange})
            assert response.status_code == 404, (endpoint, name)
            if endpoint.method != "HEAD":
                assert response.json()["errorCode"] == "notFound"
    assert tried > 60
    token = await ann.client.get("/api/v1/mails", params={"folderId": ben.inbox, "syncTokenOnly": "1"})
    assert token.status_code == 404
    assert (await take_down(ann), await take_down(ben)) == before


async def test_other_accounts_mails_are_told_as_not_there(world: World, ann: User, ben: User) -> None:
    own, others = await make_things(ann), await make_things(ben)
    before = await take_down(ann), await take_down(ben)
    tried = []
    for endpoint in protected(world):
        told = ROWS[endpoint.declared.operation_id].told
        if told:
            tried.append(endpoint.declared.operation_id)
            strange = fit(endpoint, others)[told]
            response = await call(ann, endpoint, {**fit(endpoint, own), told: strange})
            assert response.status_code == 200, endpoint
            if told == "ids":
                assert response.json()["failedItems"] == [strange]
            elif told in {"mailIds", "contactIds"}:
                assert response.json()["items"] == []
            else:
                assert response.json()["sortInfo"]["activeRowIndex"] == -1
    kinds = ["label{}", "unlabel{}", "move{}", "update{}", "delete{}", "list{}"]
    several = {kind.format(name) for kind in kinds for name in ("Mails", "Conversations")}
    assert set(tried) == several | {"copyMails", "getConversation", "searchContactAvatars"}
    assert len(tried) == len(set(tried))
    assert (await take_down(ann), await take_down(ben)) == before


@pytest.mark.parametrize("part", range(4))
async def test_own_ids_are_taken(world: World, ann: User, part: int) -> None:
    """The rows are right: it was for the ids alone that the calls of the other tests were refused."""
    for endpoint in protected(world)[part::4]:
        if names_of(endpoint) and not ROWS[endpoint.declared.operation_id].is_a_step:
            things = await make_things(ann)
            if endpoint.declared.operation_id == "moveFolder":
                things["parentId"] = ann.inbox
            response = await call(ann, endpoint, fit(endpoint, things))
            assert response.status_code == 200, (endpoint, response.text)
            if ROWS[endpoint.declared.operation_id].told == "ids":
                assert response.json()["failedItems"] == []
            headers = {name: things[name] for name in (SESSION, TOKEN)}
            for kind in ("webhooks", "signatures", "temporaryaliases", "apppasswords", "badgetokens"):
                for one in (await ann.get(f"/api/v1/account/{kind}"))["items"]:
                    await ann.client.delete(f"/api/v1/account/{kind}/{one['id']}", headers=headers)


@pytest.mark.parametrize("malformed", MALFORMED)
async def test_malformed_ids(world: World, ann: User, malformed: str) -> None:
    right = await make_things(ann)
    before = await take_down(ann)
    for endpoint in protected(world):
        for name in names_of(endpoint):
            response = await call(ann, endpoint, {**fit(endpoint, right), name: malformed})
            assert response.status_code == 400, (endpoint, name)
            if endpoint.method != "HEAD":
                assert response.json()["details"] == {"parameter": name}
    assert await take_down(ann) == before


async def test_gone_ids(world: World, ann: User) -> None:
    owner = ann.account.account_id
    things = await make_things(ann)
    for folder, uid in [(2, 999), (999, 1), (2, 0), (0, 0), (2**63 - 1, 2**63 - 1)]:
        mail = render_mail(owner, FolderId(folder), Uid(uid))
        response = await ann.client.get(f"/api/v1/mails/{mail}")
        assert response.status_code == 404
    for folder in (0, 1, 999, 2**63 - 1):
        for path in (f"/api/v1/folders/{owner}_{folder}", f"/api/v1/mails?folderId={owner}_{folder}"):
            assert (await ann.client.get(path)).status_code == 404
    for number in (0, 999, 2**63 - 1):
        for path in (f"/api/v1/labels/{owner}_{number}", f"/api/v1/account/webhooks/{owner}_{number}"):
            assert (await ann.client.get(path)).status_code == 404
        assert (await ann.client.post(f"/api/v1/operations/{number}/undo")).status_code == 404
    key = things["jobKey"]
    for other in (key.swapcase(), key[::-1], "-" * 24, "_" * 24):
        assert (await ann.client.get(f"/api/v1/batch/{other}")).status_code == 404
    for malformed in (key[:-1], key + "A", key[:-1] + "%00", key[:-1] + ".", key[:-1] + "%C3%A4"):
        refused = await ann.client.get(f"/api/v1/batch/{malformed}")
        assert (refused.status_code, refused.json()["details"]) == (400, {"parameter": "jobKey"})
    unknown = await ann.client.get("/api/v1/operations", params={"kind": "no such"})
    assert unknown.json() == {"totalItems": 0, "items": []}
    refused = await ann.client.get("/api/v1/operations?kind=%00")
    assert (refused.status_code, refused.json()["details"]) == (400, {"parameter": "kind"})


async def test_trailing_slashes(world: World, ann: User) -> None:
    things = await make_things(ann)
    await give_avatar(ann)
    nobody = User(world, ann.account, world.connect())
    for endpoint in endpoints(world):
        slashed = endpoint._replace(path=endpoint.path + "/")
        if is_endless(endpoint) or endpoint.method not in {"GET", "HEAD"}:
            # That it asks for credentials shows that it was found.
            found = await call(nobody, slashed, things)
            is_open = endpoint.declared.access is Access.PUBLIC
            assert found.status_code in {200, 400, 401} if is_open else found.status_code == 401, endpoint
            continue
        without = await call(ann, endpoint, things)
        with_slash = await call(ann, slashed, things)
        assert without.status_code == with_slash.status_code, endpoint
        assert without.status_code == 200 or endpoint.declared.access is Access.PUBLIC, endpoint
        assert without.content == with_slash.content
