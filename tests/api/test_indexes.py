"""How far the account's indexes are."""

import pytest

from postroom.config.classes import AccountClass
from postroom.content.extractor import Extractor
from postroom.domain.extraction import ExtractionRunner
from tests.api.world import User, World, make_message
from tests.fixtures.clocks import TestClock
from tests.fixtures.documents import attach, make_docx

PATH = "/api/v1/account/indexinfo"
ALL = "conversation,sort,search"
UP_TO_DATE = {"state": "uptodate", "progress": 1.0}


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    return {"default": AccountClass(), "plain": AccountClass(allow_conversation_view=False)}


async def test_all_is_up_to_date(ann: User) -> None:
    await ann.deliver(make_message())
    for scope in (ann.inbox, f"{ann.account.account_id}_1"):
        assert await ann.get(PATH, ids=ALL, scope=scope) == [
            {"id": name, **UP_TO_DATE} for name in ALL.split(",")
        ]
    assert await ann.get(PATH, ids=["search", "sort", "search"], scope=ann.inbox) == [
        {"id": "search", **UP_TO_DATE},
        {"id": "sort", **UP_TO_DATE},
    ]


async def test_documents_that_wait_are_told(ann: User) -> None:
    for number in range(3):
        await ann.deliver(make_message(subject=f"Letter {number}"))
    await ann.deliver(attach(("a.docx", "application/octet-stream", make_docx("zebra"))))
    response = await ann.client.get(PATH, params={"ids": ALL, "scope": ann.inbox})
    conversation, sort, search = response.json()
    assert search == {"id": "search", "state": "initialized", "progress": 0.75}
    assert (conversation["state"], sort["state"]) == ("uptodate", "uptodate")
    runner = ExtractionRunner(ann.world.store, Extractor(), clock=TestClock())
    while await runner.take_turn():
        pass
    await runner._extractor.close()
    assert (await ann.get(PATH, ids="search", scope=ann.inbox)) == [{"id": "search", **UP_TO_DATE}]
    headers = {"If-None-Match": response.headers["etag"]}
    params = {"ids": ALL, "scope": ann.inbox}
    changed = await ann.client.get(PATH, params=params, headers=headers)
    assert changed.status_code == 200
    headers = {"If-None-Match": changed.headers["etag"]}
    assert (await ann.client.get(PATH, params=params, headers=headers)).status_code == 304


async def test_what_is_not_for_this_account_is_unavailable(world: World) -> None:
    user = await world.add_account("plain@example.test", class_name="plain")
    assert await user.get(PATH, ids="conversation", scope=user.inbox) == [
        {"id": "conversation", "state": "unavailable", "progress": 0.0}
    ]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"scope": "{inbox}"}, "ids"),
        ({"ids": "search"}, "scope"),
        ({"ids": "", "scope": "{inbox}"}, "ids"),
        ({"ids": "search,other", "scope": "{inbox}"}, "ids"),
        ({"ids": "search", "scope": "x"}, "scope"),
        ({"ids": "search", "scope": ""}, "scope"),
    ],
)
async def test_bad_parameters(ann: User, query: dict[str, str], parameter: str) -> None:
    params = {name: value.replace("{inbox}", ann.inbox) for name, value in query.items()}
    response = await ann.client.get(PATH, params=params)
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": parameter})


async def test_folders_that_are_not_there(ann: User) -> None:
    for scope in (f"{ann.account.account_id}_999", "9999_2", f"{ann.account.account_id}_{1 << 48}"):
        response = await ann.client.get(PATH, params={"ids": "search", "scope": scope})
        assert (response.status_code, response.json()["errorCode"]) == (404, "notFound")
