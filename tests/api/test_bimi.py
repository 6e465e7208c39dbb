"""Senders' logos over the API."""

import base64
from collections.abc import Sequence
from typing import Any

import pytest

from postroom.config.bimi import BimiConfig
from postroom.domain.bimi import hash_location
from postroom.domain.bimi_runner import BimiRunner, Fetched
from tests.api.world import DomainClock, User, World, make_message

LOGO = "https://example.org/logo.svg"
MD5 = hash_location(LOGO)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps"><title>Example</title></svg>'
PATH = "/api/v1/bimi/search"


class Outside:
    """A name server and a web server that have one logo."""

    async def find_texts(self, name: str) -> Sequence[str]:
        return [f"v=BIMI1; l={LOGO}"] if name == "default._bimi.example.org" else []

    async def fetch(self, url: str) -> Fetched:
        return Fetched(SVG)


@pytest.fixture
def runner(world: World) -> BimiRunner:
    bimi = world.domain.bimi
    bimi._trusted_hosts, bimi.is_enabled = ("mx.example.test",), True
    outside = Outside()
    clock = DomainClock(world.clock)
    return BimiRunner(world.store, bimi, texts=outside, fetcher=outside, config=BimiConfig(), clock=clock)


async def work(runner: BimiRunner) -> None:
    while await runner.look_up_names() or await runner.fetch_logos():
        pass


def letter(subject: str = "News") -> bytes:
    results = "mx.example.test; dmarc=pass (p=reject) header.from=example.org"
    return make_message(subject=subject, authentication_results=results)


async def search(user: User, *names: str) -> Any:
    response = await user.client.post(PATH, json={"bimiLocations": list(names)})
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def test_a_logo(ann: User, ben: User, runner: BimiRunner) -> None:
    mail_id = await ann.deliver(letter())
    assert (await ann.get(f"/api/v1/mails/{mail_id}"))["bimiLocation"] == ""
    assert await search(ann, MD5) == []
    await work(runner)
    assert (await ann.get(f"/api/v1/mails/{mail_id}"))["bimiLocation"] == MD5
    logo = {"bimiLocation": MD5, "data": base64.b64encode(SVG).decode()}
    assert await search(ann, MD5) == [logo]
    assert await search(ben, "f" * 32, MD5.upper(), MD5) == [logo]


async def test_those_who_follow_changes_are_told(ann: User, runner: BimiRunner) -> None:
    where = {"folderId": ann.inbox}
    mail_id = await ann.deliver(letter())
    listed = await ann.client.get("/api/v1/mails", params=where)
    token, etag = listed.json()["syncToken"], listed.headers["ETag"]
    single = (await ann.client.get(f"/api/v1/mails/{mail_id}")).headers["ETag"]
    await work(runner)
    again = await ann.client.get("/api/v1/mails", params=where, headers={"If-None-Match": etag})
    assert again.status_code == 200
    assert again.json()["syncToken"] != token
    [shown] = again.json()["items"]
    assert shown == {**listed.json()["items"][0], "bimiLocation": MD5}
    found = await ann.client.get(f"/api/v1/mails/{mail_id}", headers={"If-None-Match": single})
    assert found.status_code == 200
    delta = await ann.get("/api/v1/mails/delta", folderId=ann.inbox, syncToken=token)
    assert [delta["newItems"], delta["updatedItems"], delta["removedItems"]] == [[], [], []]
    [replaced] = delta["replacedItems"]
    assert (replaced["id"], replaced["bimiLocation"]) == (mail_id, MD5)
    assert delta["syncToken"] == again.json()["syncToken"]


async def test_what_is_known_changes_nothing_later(ann: User, runner: BimiRunner) -> None:
    await ann.deliver(letter())
    await work(runner)
    await ann.deliver(letter("Other news"))
    before = await ann.get("/api/v1/mails", folderId=ann.inbox)
    assert [mail["bimiLocation"] for mail in before["items"]] == [MD5, MD5]
    await work(runner)
    assert await ann.get("/api/v1/mails", folderId=ann.inbox) == before


async def test_conversations_and_history_bear_it(ann: User, runner: BimiRunner) -> None:
    mail_id = await ann.deliver(letter())
    await work(runner)
    conversation = await ann.get(f"/api/v1/mails/{mail_id}/conversation")
    assert conversation["id"]
    assert (await ann.get("/api/v1/operations"))["items"] == []
    moved = await ann.client.post(f"/api/v1/mails/{mail_id}/copy", json={"destinationFolderId": ann.inbox})
    assert moved.json()["bimiLocation"] == MD5


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"bimiLocations": MD5},
        {"bimiLocations": [1]},
        {"bimiLocations": [""]},
        {"bimiLocations": [MD5 + "0"]},
        {"bimiLocations": ["x" * 32]},
        {"bimiLocations": [LOGO]},
        {"bimiLocations": [MD5 + "\n"]},
        {"bimiLocations": [MD5] * 201},
    ],
)
async def test_bad_parameters(ann: User, body: dict[str, Any]) -> None:
    response = await ann.client.post(PATH, json=body)
    assert response.status_code == 400
    assert response.json()["details"]["parameter"].startswith("bimiLocations")


async def test_nothing_is_asked_for(ann: User) -> None:
    assert await search(ann) == []
    assert await search(ann, *[f"{number:032x}" for number in range(200)]) == []
