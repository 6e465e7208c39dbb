"""Contacts in shared and public folders: what each permission lets a reader do with them."""

import base64
from typing import Any

import pytest

from postroom.config.classes import AccountClass
from postroom.domain import contact_transfer
from postroom.domain.sharing import Sharing
from tests.api.test_sharing import refuse, share
from tests.api.world import User, World

PATH = "/api/v1/contacts"
FEW = 2
GIF = base64.b64encode(base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")).decode()


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    """The classes of accounts: one may have few contacts."""
    return {"default": AccountClass(), "poor": AccountClass(contacts=FEW)}


def contacts_of(user: User) -> str:
    return f"{user.account.account_id}_8"


async def make(user: User, **fields: Any) -> Any:
    response = await user.client.post(PATH, json=fields)
    assert response.status_code == 200, response.text
    return response.json()


async def names(user: User, folder: str) -> list[str]:
    return [item["name"] for item in (await user.get(PATH, folderId=folder))["items"]]


async def test_reading(ann: User, ben: User) -> None:
    folder = contacts_of(ann)
    bea = await make(ann, name="Bea", email="bea@example.org", avatar=GIF)
    for path in (PATH, f"{PATH}/delta", f"{PATH}/export"):
        assert await refuse(ben.client.get(path, params={"folderId": folder})) == "notFound"
    await share(ann, folder, ben, "l")
    for path in (PATH, f"{PATH}/delta", f"{PATH}/export"):
        assert await refuse(ben.client.get(path, params={"folderId": folder})) == "notPermitted"
    assert await refuse(ben.client.get(f"{PATH}/{bea['id']}")) == "notPermitted"
    await share(ann, folder, ben, "lr")
    assert await ben.get(f"{PATH}/{bea['id']}") == bea
    [listed] = (await ben.get(PATH, folderId=folder))["items"]
    assert (listed["id"], listed["folderId"]) == (bea["id"], folder)
    exported = await ben.client.get(f"{PATH}/export", params={"folderId": folder})
    assert b"FN:Bea" in exported.content


async def test_tokens_and_deltas_are_the_readers_own(ann: User, ben: User) -> None:
    folder = contacts_of(ann)
    await share(ann, folder, ben, "lr")
    token = (await ben.get(PATH, folderId=folder, syncTokenOnly="1"))["syncToken"]
    strange = (await ann.get(PATH, folderId=folder, syncTokenOnly="1"))["syncToken"]
    refused = ben.client.get(f"{PATH}/delta", params={"folderId": folder, "syncToken": strange})
    assert await refuse(refused) == "badParameter"
    made = [await make(ann, name=name) for name in ("Bea", "Cid", "Dee")]
    first = await ben.get(f"{PATH}/delta", folderId=folder, syncToken=token, limit=2)
    assert first["moreAvailable"]
    second = await ben.get(f"{PATH}/delta", folderId=folder, syncToken=first["syncToken"], limit=2)
    assert [one["id"] for one in first["newItems"] + second["newItems"]] == [one["id"] for one in made]
    assert second["syncToken"] == (await ben.get(PATH, folderId=folder))["syncToken"]
    await ann.client.delete(f"{PATH}/{made[0]['id']}")
    gone = await ben.get(f"{PATH}/delta", folderId=folder, syncToken=second["syncToken"])
    assert gone["removedItems"] == [{"id": made[0]["id"], "folderId": folder}]
    await share(ann, folder, ben, "")
    lost = ben.client.get(f"{PATH}/delta", params={"folderId": folder, "syncToken": gone["syncToken"]})
    assert await refuse(lost) == "notFound"


async def test_writing(ann: User, ben: User) -> None:
    folder = contacts_of(ann)
    bea = await make(ann, name="Bea")
    path = f"{PATH}/{bea['id']}"
    await share(ann, folder, ben, "lr")
    assert await refuse(ben.client.post(PATH, json={"name": "New", "folderId": folder})) == "notPermitted"
    assert await refuse(ben.client.patch(path, json={"name": "Other"})) == "notPermitted"
    assert await refuse(ben.client.patch(path, json={"avatar": GIF})) == "notPermitted"
    assert await refuse(ben.client.delete(path)) == "notPermitted"
    await share(ann, folder, ben, "lrwi")
    new = await make(ben, name="New", folderId=folder, avatar=GIF)
    assert new["folderId"] == folder
    assert await ann.get(f"{PATH}/{new['id']}") == new
    changed = await ben.client.patch(path, json={"name": "Other"})
    assert changed.json()["name"] == "Other"
    assert await refuse(ben.client.delete(path)) == "notPermitted"
    await share(ann, folder, ben, "lte")
    assert (await ben.client.delete(path)).status_code == 200
    assert await names(ann, folder) == ["New"]


async def test_moving_among_the_folders_of_an_owner(ann: User, ben: User) -> None:
    folder, other = contacts_of(ann), f"{ann.account.account_id}_9"
    bea = await make(ann, name="Bea")
    path = f"{PATH}/{bea['id']}"
    await share(ann, folder, ben, "lrte")
    assert await refuse(ben.client.patch(path, json={"folderId": other})) == "notFound"
    await share(ann, other, ben, "lr")
    assert await refuse(ben.client.patch(path, json={"folderId": other})) == "notPermitted"
    await share(ann, other, ben, "lri")
    moved = await ben.client.patch(path, json={"folderId": other})
    assert moved.json()["folderId"] == other
    assert (await names(ann, folder), await names(ann, other)) == ([], ["Bea"])


@pytest.mark.parametrize("is_out", [True, False])
async def test_moving_between_owners(ann: User, ben: User, is_out: bool) -> None:
    """A contact goes as a whole, and no other state between is seen than here or there."""
    await share(ann, contacts_of(ann), ben, "lrwite")
    source, target = (ann, ben) if is_out else (ben, ann)
    fields = {"name": "Bea", "email": "bea@example.org", "notes": "Likes tea", "avatar": GIF}
    bea = await make(source, **fields)
    token = (await ann.get(PATH, folderId=contacts_of(ann)))["syncToken"]
    change = {"folderId": contacts_of(target), "phone": "123"}
    response = await ben.client.patch(f"{PATH}/{bea['id']}", json=change)
    assert response.status_code == 200, response.text
    moved = response.json()
    assert {**bea, **change, "id": moved["id"]} == moved
    assert await target.get(f"{PATH}/{moved['id']}") == moved
    assert await names(source, contacts_of(source)) == []
    assert (await target.get(f"{PATH}/autocomplete", query="bea"))["totalItems"] == 1
    assert (await source.get(f"{PATH}/autocomplete", query="bea"))["totalItems"] == 0
    delta = await ann.get(f"{PATH}/delta", folderId=contacts_of(ann), syncToken=token)
    assert len(delta["removedItems"]) == int(is_out)
    assert len(delta["newItems"]) == int(not is_out)


async def test_a_full_account_takes_no_contact(world: World, ann: User, ben: User) -> None:
    """A contact counts where it comes to, whoever brings it."""
    poor = await world.add_account("poor@example.test", class_name="poor")
    await share(poor, contacts_of(poor), ben, "lrwi")
    for number in range(FEW):
        await make(poor, name=f"{number}")
    bea = await make(ben, name="Bea")
    body = {"folderId": contacts_of(poor)}
    assert await refuse(ben.client.post(PATH, json={"name": "New", **body})) == "notPermitted"
    assert await refuse(ben.client.patch(f"{PATH}/{bea['id']}", json=body)) == "notPermitted"
    assert await names(ben, contacts_of(ben)) == ["Bea"]


async def test_pictures_by_id(ann: User, ben: User) -> None:
    bea = await make(ann, name="Bea", email="bea@example.org", avatar=GIF)
    own = await make(ben, name="Own", avatar=GIF)
    wanted = {"contactIds": [bea["id"], own["id"]]}

    async def found() -> list[str]:
        response = await ben.client.post(f"{PATH}/avatars/search", json=wanted)
        assert response.status_code == 200
        return [item["id"] for item in response.json()["items"]]

    assert await found() == [own["id"]]
    await share(ann, contacts_of(ann), ben, "l")
    assert await found() == [own["id"]]
    await share(ann, contacts_of(ann), ben, "lr")
    assert await found() == [bea["id"], own["id"]]
    by_address = {"contactEmailAddresses": ["bea@example.org"]}
    response = await ben.client.post(f"{PATH}/avatars/search", json=by_address)
    assert response.json()["items"] == []


async def test_what_is_in_no_folder_asked_for_is_ones_own(ann: User, ben: User) -> None:
    await make(ann, name="Bea")
    await share(ann, contacts_of(ann), ben, "lr")
    assert (await ben.get(PATH))["items"] == []
    assert (await ben.get(f"{PATH}/delta"))["newItems"] == []
    assert (await ben.get(f"{PATH}/autocomplete", query="bea"))["items"] == []


async def test_import(ann: User, ben: User, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = contacts_of(ann)
    await make(ann, name="Bea", email="bea@example.org")
    cards = "".join(
        f"BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nEMAIL:{name}@example.org\nTEL:1\nEND:VCARD\n"
        for name in ("Bea", "Cid")
    )

    async def take_in() -> Any:
        headers = {"Content-Type": "text/vcard"}
        return await ben.client.post(
            f"{PATH}/import", content=cards, params={"folderId": folder}, headers=headers
        )

    assert await refuse(take_in()) == "notFound"
    for rights in ("lri", "lrw", "lwi"):
        await share(ann, folder, ben, rights)
        assert await refuse(take_in()) == "notPermitted"
    await share(ann, folder, ben, "lrwi")
    assert (await take_in()).json() == {"imported": 1, "updated": 1, "failed": 0}
    assert await names(ann, folder) == ["Bea", "Cid"]
    assert await names(ben, contacts_of(ben)) == []

    # Each slice looks again at what its caller may do.
    monkeypatch.setattr(contact_transfer, "SLICE", 1)
    cards = "".join(f"BEGIN:VCARD\nFN:More {number}\nEND:VCARD\n" for number in range(3))
    transfer = ben.world.domain.address_book.transfer
    file, done = transfer._file, 0

    async def file_and_take_away(*given: Any) -> Any:
        nonlocal done
        made = await file(*given)
        done += 1
        await share(ann, folder, ben, "lr")
        return made

    monkeypatch.setattr(transfer, "_file", file_and_take_away)
    assert await refuse(take_in()) == "notPermitted"
    assert (done, len(await names(ann, folder))) == (1, 3)


async def test_public_contacts(world: World, ann: User, ben: User) -> None:
    sharing = Sharing(world.store)
    await sharing.add_public("Office", account="@example.test", rights="lr", kind="contacts")
    await sharing.put_named("~public", "Office", "ann@example.test", rights="lrwite")
    [folder] = [
        one["id"]
        for one in (await ann.get("/api/v1/folders", accessMode="public"))["items"]
        if one["folderType"] == "contacts"
    ]
    printer = await make(ann, name="Printer", phone="7", folderId=folder)
    assert await ben.get(f"{PATH}/{printer['id']}") == printer
    assert await refuse(ben.client.delete(f"{PATH}/{printer['id']}")) == "notPermitted"
    assert (await ann.client.delete(f"{PATH}/{printer['id']}")).status_code == 200


async def test_a_call_with_a_key_is_made_once(ann: User, ben: User) -> None:
    folder = contacts_of(ann)
    await share(ann, folder, ben, "lrwite")
    headers = {"Idempotency-Key": "once"}
    answers = [
        await ben.client.post(PATH, json={"name": "New", "folderId": folder}, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert await names(ann, folder) == ["New"]
    path, body = f"{PATH}/{answers[0].json()['id']}", {"folderId": contacts_of(ben)}
    moves = [await ben.client.patch(path, json=body, headers={"Idempotency-Key": "move"}) for _ in range(2)]
    assert [move.status_code for move in moves] == [200, 200]
    assert (await names(ann, folder), await names(ben, contacts_of(ben))) == ([], ["New"])


async def test_the_root_of_others_folders_stays_as_it_is(ann: User, ben: User) -> None:
    root = f"{ben.account.account_id}_0"
    other = (await ben.client.post("/api/v1/folders", json={"name": "Other"})).json()["id"]
    calls: list[tuple[str, str, Any]] = [
        ("PATCH", f"folders/{root}", {"name": "Mine"}),
        ("POST", f"folders/{root}/move", {"parentId": other}),
        ("DELETE", f"folders/{root}", None),
    ]
    for method, path, body in calls:
        assert await refuse(ben.client.request(method, f"/api/v1/{path}", json=body)) == "notFound"
    await share(ann, ann.inbox, ben, "lr")
    for method, path, body in calls:
        assert await refuse(ben.client.request(method, f"/api/v1/{path}", json=body)) == "notPermitted"
    strange = f"{ann.account.account_id}_0"
    assert await refuse(ben.client.patch(f"/api/v1/folders/{strange}", json={"name": "x"})) == "notFound"
