"""Every endpoint by every permission: what needs what, of the owner, of a reader and of a stranger.

The calls are those of :mod:`tests.api.test_access`, made for every published route; in the place of one id after the
other stands what is Ann's, while all other ids are Ben's own. :data:`NEEDS` says what Ben needs in Ann's folders for
it. A route or an id without a place there fails.
"""

from typing import Any

import httpx
import pytest

from postroom.api.openapi import Endpoint
from postroom.model.ids import AccountId, FolderId
from postroom.model.sharing import RIGHTS, Grant, Reader
from tests.api.test_access import (
    INSIDE,
    ROWS,
    call,
    clear_limited,
    fit,
    make_things,
    names_of,
    protected,
)
from tests.api.world import User, World

OWNER_ONLY = "!"
"""Can be done in one's own folders alone: refused to everybody who sees the folder."""
STRANGE = "-"
"""Never shared: it does not exist for anybody else."""
UNSEEN = "?"
"""What names nothing is no error there."""
LABELLED = {"rw": 404}
"""Given the permissions, there is no label that both the caller and the mail could have."""
ACROSS = 400
"""Given the permissions, it cannot be done between owners."""
NEEDS: dict[str, str | tuple[str, int]] = {
    "addConversationLabel.conversationId": ("rw", 404),
    "addLabel.mailId": ("rw", 404),
    "archiveMail.mailId": OWNER_ONLY,
    "cancelSchedule.mailId": OWNER_ONLY,
    "changeWebhook.folderId": "r",
    "changeContact.contactId": "rwte",
    "changeContact.folderId": "i",
    "copyMail.mailId": "r",
    "copyMail.destinationFolderId": "i",
    "copyMails.ids": "r",
    "copyMails.destinationFolderId": "i",
    "createContact.folderId": "i",
    "createFolder.parentId": "k",
    "createMail.folderId": "i",
    "createMail.refwMailId": "r",
    "createWebhook.folderId": "r",
    "deleteContact.contactId": "te",
    "deleteConversation.conversationId": "rte",
    "deleteConversations.ids": "rte",
    "deleteFolder.folderId": "x",
    "deleteMail.mailId": "te",
    "deleteMails.ids": "te",
    "deletePermissions.folderId": "a",
    "explainConversation.conversationId": "r",
    "exportContacts.folderId": "r",
    "getContact.contactId": "r",
    "getContactDelta.folderId": "r",
    "getConversation.conversationId": "r",
    "getConversation.mailIds": UNSEEN,
    "getFolder.folderId": "l",
    "getIndexInfo.scope": OWNER_ONLY,
    "getMailDelta.folderId": "r",
    "importContacts.folderId": "rwi",
    "labelConversations.ids": ("", 404),
    "labelMails.ids": ("", 404),
    "listContacts.folderId": "r",
    "listConversations.activeConversationId": UNSEEN,
    "listConversations.folderId": "r",
    "listMails.activeMailId": UNSEEN,
    "listMails.folderId": "r",
    "listOperations.folderId": OWNER_ONLY,
    "listPermissions.folderId": "a",
    "markConversationSpam.conversationId": OWNER_ONLY,
    "markNotSpam.destinationFolderId": "i",
    "markNotSpam.mailId": "rte",
    "markSpam.mailId": OWNER_ONLY,
    "moveConversation.conversationId": ("r", ACROSS),
    "moveConversation.destinationFolderId": ("i", ACROSS),
    "moveConversations.destinationFolderId": ("i", ACROSS),
    "moveConversations.ids": ("", ACROSS),
    "moveFolder.folderId": ("x", ACROSS),
    "moveFolder.parentId": ("k", ACROSS),
    "moveMail.destinationFolderId": "i",
    "moveMail.mailId": "rte",
    "moveMails.destinationFolderId": "i",
    "moveMails.ids": "rte",
    "removeConversationLabel.conversationId": ("rw", 404),
    "removeLabel.mailId": ("rw", 404),
    "renameFolder.folderId": "x",
    "replaceDraft.mailId": OWNER_ONLY,
    "replaceDraft.refwMailId": "r",
    "scheduleDraft.mailId": OWNER_ONLY,
    "scheduleMail.refwMailId": "r",
    "searchContactAvatars.contactIds": UNSEEN,
    "searchMails.folderIds": "r",
    "sendDraft.mailId": OWNER_ONLY,
    "sendMail.refwMailId": "r",
    "setConversationFlags.conversationId": "rs",
    "setMailFlags.mailId": "rs",
    "setPermissions.folderId": "a",
    "storeTemporaryAttachments.mailId": "r",
    "undoSend.mailId": OWNER_ONLY,
    "unlabelConversations.ids": ("", 404),
    "unlabelMails.ids": ("", 404),
    "updateConversations.ids": "rs",
    "updateMails.ids": "rs",
}
"""What an endpoint needs in the folder of what an id names; and the status that it has even then, if not 200."""
READING = {"mailId": "r"}
"""What calls need that only read, where :data:`NEEDS` does not say."""
NEVER_SHARED = {
    "appPasswordId",
    "badgeTokenId",
    "blackId",
    "jobKey",
    "labelId",
    "methodId",
    "operationId",
    "processingId",
    "signatureId",
    "temporaryAliasId",
    "temporaryAttachmentId",
    "webhookId",
    "whiteId",
}
KEEPING = {
    "copyMail",
    "copyMails",
    "createContact",
    "createMail",
    "queryPartData",
    "scheduleMail",
    "searchContactAvatars",
    "searchMails",
    "sendMail",
    "setConversationFlags",
    "setMailFlags",
    "storeTemporaryAttachments",
    "updateConversations",
    "updateMails",
}
"""What takes nothing away and moves nothing: the same calls can be made after it."""
SETS = ["", "l", *(f"l{right}" for right in RIGHTS[1:]), RIGHTS]


def find_needs(endpoint: Endpoint, name: str) -> tuple[str, int]:
    """Return what a call needs, and its status if it has that. Raises KeyError where nobody has said."""
    if name in NEVER_SHARED:
        return STRANGE, 404
    known = NEEDS.get(f"{endpoint.declared.operation_id}.{name}")
    if known is None and endpoint.method in {"GET", "HEAD", "POST"}:
        is_reading = endpoint.method != "POST" or endpoint.declared.operation_id == "queryPartData"
        known = READING.get(name) if is_reading else None
    if known is None:
        raise KeyError(f"{endpoint.declared.operation_id}.{name}")
    return known if isinstance(known, tuple) else (known, 200)


def list_pairs(world: World) -> list[tuple[Endpoint, str]]:
    """Return every endpoint with every id that it takes."""
    return [
        (endpoint, name) for endpoint in protected(world) for name in names_of(endpoint) if name not in INSIDE
    ]


def expect(needs: str, status: int, rights: str) -> int:
    """Return the status of a call made with some permissions."""
    if "l" not in rights or needs == STRANGE:
        return 404
    if needs == OWNER_ONLY or not set(needs) <= set(rights):
        return 403
    return status


async def give(world: World, owner: User, reader: User, rights: str) -> None:
    """Give a reader the same permissions in all folders of an owner."""
    async with world.store.transaction(AccountId(owner.account.account_id)) as tx:
        await tx.lock()
        for folder in await tx.folders.list_all():
            who = Reader(reader.account.account_id)
            if rights:
                await tx.grants.put(Grant(FolderId(folder.folder_id), who, rights))
            else:
                await tx.grants.delete(folder.folder_id, who)
        state = await tx.advance(folders=False)
        await tx.grants.set_modseq(state.modseq)


def test_every_id_of_every_route_has_a_place(world: World) -> None:
    pairs = list_pairs(world)
    assert len(pairs) > 100
    for endpoint, name in pairs:
        find_needs(endpoint, name)
    known = {f"{endpoint.declared.operation_id}.{name}" for endpoint, name in pairs}
    assert set(NEEDS) <= known, "a place for what is gone"


def may_have_changed(endpoint: Endpoint, response: httpx.Response) -> bool:
    """Tell whether something may be gone, or elsewhere, after a call."""
    if response.status_code not in {200, 201} or endpoint.method in {"GET", "HEAD"}:
        return False
    if endpoint.declared.operation_id in KEEPING:
        return False
    # Each call is about one thing: where that has failed, all is as it was.
    return not (ROWS[endpoint.declared.operation_id].told and response.json().get("failedItems"))


class Matrix:
    """Ben calls with what is Ann's."""

    def __init__(self, world: World, ann: User, ben: User) -> None:
        self.world = world
        self.ann = ann
        self.ben = ben
        self.things: dict[str, str] = {}
        self.own: dict[str, str] = {}

    async def renew(self) -> None:
        """Make new things: what there was may be gone."""
        await clear_limited(self.ann, self.ben)
        for folder in (await self.ann.get("/api/v1/folders", accessMode="local"))["items"]:
            if folder["name"] == "Another name":
                await self.ann.client.delete(f"/api/v1/folders/{folder['id']}")
        self.things, self.own = await make_things(self.ann), await make_things(self.ben)

    async def check(self, endpoint: Endpoint, name: str, rights: str) -> None:
        """Make a call with some permissions."""
        needs, status = find_needs(endpoint, name)
        await give(self.world, self.ann, self.ben, rights)
        strange = fit(endpoint, self.things)[name]
        response = await call(self.ben, endpoint, {**fit(endpoint, self.own), name: strange})
        where = (endpoint.method, endpoint.path, name, rights, response.text)
        if name == ROWS[endpoint.declared.operation_id].told:
            self._check_told(response, strange, needs=needs, status=status, rights=rights)
        else:
            assert response.status_code == expect(needs, status, rights), where
        if may_have_changed(endpoint, response):
            await self.renew()

    def _check_told(self, response: Any, strange: str, *, needs: str, status: int, rights: str) -> None:
        """Check a call that tells what it could not do."""
        if needs == UNSEEN:
            assert response.status_code == 200, response.text
            assert "failedItems" not in response.json()
            return
        expected = expect(needs, status, rights)
        if expected in {403, 404} and not (status == expected and "l" in rights):
            assert response.status_code == 200, response.text
            assert response.json()["failedItems"] == [strange]
        elif expected == 200:
            assert (response.status_code, response.json()["failedItems"]) == (200, []), response.text
        else:
            assert response.status_code == expected, response.text


@pytest.fixture
async def matrix(world: World, ann: User, ben: User) -> Matrix:
    """The matrix, with an operation of Ann's number that Ben has not reached."""
    for number in range(9):
        await ann.client.post("/api/v1/labels", json={"name": f"{number}"})
    for user in (ann, ben):
        await user.client.patch("/api/v1/account/settings", json={"deleteToTrash": False})
    made = Matrix(world, ann, ben)
    await made.renew()
    return made


@pytest.mark.parametrize("part", range(8))
async def test_what_a_reader_may_do(matrix: Matrix, part: int) -> None:
    """With each permission alone, with all, and with all but one of those that are needed."""
    for endpoint, name in list_pairs(matrix.world)[part::8]:
        needs, _ = find_needs(endpoint, name)
        if needs == UNSEEN and name == "mailIds":
            continue
        sets = SETS if needs not in {STRANGE, UNSEEN, OWNER_ONLY} else ["", "l", RIGHTS]
        all_but_one = [RIGHTS.replace(right, "") for right in needs if right in RIGHTS]
        for rights in dict.fromkeys([*sets, *all_but_one]):
            await matrix.check(endpoint, name, rights)


async def test_a_stranger_sees_nothing_whatever_others_may(world: World, matrix: Matrix) -> None:
    carl = await world.add_account("carl@example.test")
    await give(world, matrix.ann, matrix.ben, RIGHTS)
    own = await make_things(carl)
    for endpoint, name in list_pairs(world):
        if name == ROWS[endpoint.declared.operation_id].told:
            continue
        strange = fit(endpoint, matrix.things)[name]
        response = await call(carl, endpoint, {**fit(endpoint, own), name: strange})
        assert response.status_code == 404, (endpoint.path, name)
    folders = (await carl.get("/api/v1/folders"))["items"]
    assert {folder["accessMode"] for folder in folders} == {"local"}


async def test_an_owner_is_not_kept_from_anything(world: World, matrix: Matrix) -> None:
    """That he may do all is checked where the rows are; here, that grants change nothing of it."""
    await give(world, matrix.ann, matrix.ben, "l")
    for endpoint in protected(world):
        if endpoint.method == "GET" and names_of(endpoint):
            response = await call(matrix.ann, endpoint, fit(endpoint, matrix.things))
            assert response.status_code == 200, endpoint.path
