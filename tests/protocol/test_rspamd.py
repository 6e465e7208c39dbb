"""rspamd itself: it scores what is delivered, and learns from what is marked."""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.api.test_filtering import INBOX, judge
from tests.api.world import User, World, make_message, make_world
from tests.protocol.rspamd_instance import GTUBE, PASSWORD, RunningRspamd, missing, running_rspamd
from tests.protocol.test_rspamd_faults import ENVELOPE, RECEIVED

from postroom.api.settings import APISettings
from postroom.app.rspamd import Rspamd
from postroom.config.classes import AccountClass
from postroom.config.filters import FiltersConfig
from postroom.store import Store

pytestmark = [
    pytest.mark.rspamd,
    pytest.mark.asyncio(loop_factories=["uvloop"]),
    pytest.mark.skipif(missing() != "", reason=missing() or "available"),
]
OFFER = "Buy cheap watches and pills now: great discount, money back, lottery winner, casino bonus {}!\n"
LETTER = (
    "Dear Ann, the minutes of the meeting of the garden club are attached, with the plan. Yours, Bea {}\n"
)


@pytest.fixture
def rspamd() -> Iterator[RunningRspamd]:
    root = Path(tempfile.mkdtemp(prefix="postroom-rspamd-"))
    try:
        with running_rspamd(root) as running:
            yield running
    finally:
        shutil.rmtree(root)


@pytest.fixture
def filters(rspamd: RunningRspamd) -> FiltersConfig:
    return FiltersConfig(
        rspamd_url=rspamd.url,
        rspamd_learn_url=rspamd.controller_url,
        rspamd_password=PASSWORD,
        rspamd_timeout_ms=10_000,
    )


@pytest.fixture
async def world(store: Store, filters: FiltersConfig) -> AsyncIterator[World]:
    made = await make_world(store, APISettings(), {"default": AccountClass()}, filters)
    yield made
    await made.close()


async def mark(user: User, mail: str, kind: str) -> None:
    """Mark a mail, and wait until it is taught."""
    learning = user.world.domain.learning
    taught = learning.taught
    response = await user.client.post(f"/api/v1/mails/{mail}/{kind}")
    assert response.status_code == 200, response.text
    for _ in range(500):
        if learning.taught > taught:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it was not taught")


async def test_deliveries_are_scored_and_marks_are_learned(world: World, rspamd: RunningRspamd) -> None:
    ann = await world.add_account("ann@example.test")
    assert await judge(ann, make_message(text=f"{GTUBE}\n")) == ("spam", "1 Spam score (rspamd 15.00)")
    kinds: dict[str, str] = {}
    for number in range(6):
        for text, kind in ((OFFER, "spam"), (LETTER, "notspam")):
            raw = make_message(text=text.format(number))
            mail = await ann.deliver(raw.replace(b"<1@", f"<{secrets.token_hex(8)}@".encode()))
            if kind == "notspam":  # It is as if somebody had put it into Spam before.
                target = {"destinationFolderId": f"{ann.account.account_id}_6"}
                mail = (await ann.client.post(f"/api/v1/mails/{mail}/move", json=target)).json()["id"]
            kinds[mail] = kind
    for mail, kind in kinds.items():
        await mark(ann, mail, kind)
    for folder in (2, 6):
        for row in (await ann.get("/api/v1/mails", folderId=f"{ann.account.account_id}_{folder}"))["items"]:
            await ann.client.delete(f"/api/v1/mails/{row['id']}?permanent=true")
    place, why = await judge(ann, make_message(text=OFFER.format("again")))
    assert (place, why[:20]) == ("spam", "1 Spam score (rspamd"), rspamd.log()[-3000:]
    assert await judge(ann, make_message(text=LETTER.format("again"))) == INBOX


async def test_the_client(rspamd: RunningRspamd, filters: FiltersConfig) -> None:
    client = Rspamd(filters)
    raw = make_message(text=f"{GTUBE}\n")
    score = await client.score(ENVELOPE, raw, received=RECEIVED)
    assert score is not None
    assert score.is_spam
    score = await client.score(ENVELOPE, make_message(text="Nothing learned of this.\n"), received=RECEIVED)
    assert score is not None
    assert not score.is_spam
    letter = make_message(text="The same again, and again, and yet again it is.\n")
    assert await client.teach(letter, is_spam=True)
    assert await client.teach(letter, is_spam=True)
    wrong = Rspamd(FiltersConfig(rspamd_url=rspamd.url, rspamd_learn_url=rspamd.controller_url))
    assert await wrong.teach(letter, is_spam=False)
