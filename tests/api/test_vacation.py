"""The absence notice over the API."""

from typing import Any

import pytest

from postroom.model.envelope import Envelope
from tests.api.world import User, make_message

PATH = "/api/v1/account/vacation"
UNSET: dict[str, Any] = {
    "age": 7,
    "applyAlways": True,
    "applyToExternal": True,
    "applyToInternal": True,
    "body": "",
    "enabled": False,
    "startTime": "0",
    "endTime": "0",
    "subject": "",
}
AWAY = UNSET | {
    "age": 3,
    "applyAlways": False,
    "applyToInternal": False,
    "body": "Away.\nAnn",
    "enabled": True,
    "startTime": "1744407421",
    "endTime": "1744807421",
    "subject": "Auf Reisen – bis Montag",
}


async def test_nothing_is_set(ann: User) -> None:
    assert await ann.get(PATH) == UNSET


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_set(ann: User, ben: User, method: str) -> None:
    response = await ann.client.request(method, PATH, json=AWAY)
    assert (response.status_code, response.content) == (200, b"")
    assert await ann.get(PATH) == AWAY
    assert await ben.get(PATH) == UNSET
    response = await ann.client.request(method, PATH, json=UNSET)
    assert response.status_code == 200
    assert await ann.get(PATH) == UNSET


async def test_only_what_is_required(ann: User) -> None:
    required = {name: AWAY[name] for name in list(UNSET)[:6]} | {"applyAlways": True}
    assert (await ann.client.post(PATH, json=AWAY)).status_code == 200
    assert (await ann.client.post(PATH, json=required)).status_code == 200
    # It is set as a whole.
    assert await ann.get(PATH) == UNSET | required


@pytest.mark.parametrize("name", list(UNSET)[:6])
async def test_required(ann: User, name: str) -> None:
    response = await ann.client.post(PATH, json={key: AWAY[key] for key in AWAY if key != name})
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("age", 0),
        ("age", -1),
        ("age", 3651),
        ("age", "7"),
        ("age", 1.5),
        ("applyAlways", "true"),
        ("applyToExternal", None),
        ("enabled", 1),
        ("body", None),
        ("body", 5),
        ("body", "x" * 32_769),
        ("body", "\0"),
        ("subject", "x" * 501),
        ("subject", "a\nBcc: b@c.test"),
        ("subject", "a\0b"),
        ("startTime", ""),
        ("startTime", "0"),
        ("startTime", 1744407421),
        ("startTime", "-5"),
        ("startTime", "2025-04-11"),
        ("startTime", "9" * 100),
        ("endTime", "0"),
        ("endTime", "1744407421"),
        ("endTime", "9" * 12),
        ("unknown", True),
    ],
)
async def test_bad_input(ann: User, name: str, value: Any) -> None:
    response = await ann.client.post(PATH, json=AWAY | {name: value})
    assert response.status_code == 400, response.text
    assert response.json()["details"] == {"parameter": name}
    assert await ann.get(PATH) == UNSET


@pytest.mark.parametrize("text", ["a\ud800b", "\u202e\u0000", "é" * 32_768])
async def test_awkward_text(ann: User, text: str) -> None:
    body = '{"age":1,"applyAlways":true,"applyToExternal":true,"applyToInternal":true,"enabled":true,"body":"%s"}'
    escaped = "".join(f"\\u{ord(char):04x}" for char in text)
    response = await ann.client.post(PATH, content=body % escaped)
    assert response.status_code in {200, 400}
    assert (await ann.client.get(PATH)).status_code == 200


async def test_etag(ann: User) -> None:
    first = await ann.client.get(PATH)
    again = await ann.client.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    await ann.client.post(PATH, json=AWAY)
    changed = await ann.client.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_idempotency(ann: User) -> None:
    headers = {"Idempotency-Key": "vacation-1"}
    assert (await ann.client.post(PATH, json=AWAY, headers=headers)).status_code == 200
    again = await ann.client.post(PATH, json=AWAY, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    other = await ann.client.post(PATH, json=UNSET, headers=headers)
    assert other.status_code == 409


async def test_it_answers(ann: User, ben: User) -> None:
    now = int(ann.world.clock.now)
    times = {"startTime": str(now - 10), "endTime": str(now + 1000)}
    assert (await ann.client.post(PATH, json=AWAY | times)).status_code == 200
    world = ann.world
    recipient = await world.domain.ingest.resolve_recipient(ann.account.address, size_bytes=None)
    for sender in ("bea@example.org", ben.account.address):
        envelope = Envelope(sender, (recipient,), "unix", "x", smtputf8=False, body_8bit=True)
        assert await world.domain.ingest.deliver(envelope, make_message(subject=sender)) == [None]
    async with world.store.directory() as tables:
        [queued] = await tables.outgoing.list_unfinished(0, limit=10)
        [addressee] = await tables.outgoing.list_recipients(queued.processing_id)
    # Ben is of this server, whose senders are not to be answered.
    assert (queued.kind, queued.account_id) == ("vacation", ann.account.account_id)
    assert addressee.address == "bea@example.org"
