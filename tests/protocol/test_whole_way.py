"""A mail and its answer, all the way, as the README sets it up, each program in a process of its own.

Somebody's mail enters a Postfix by SMTP, which hands it over by LMTP; its owner is told at once, reads it and answers
by the API; the answer leaves through another Postfix, the relay, and arrives at somebody's own server.
"""

import asyncio
import email
import email.policy
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fixtures.factories import basic
from tests.protocol.lmtp_peer import RecordingInbox, serve
from tests.protocol.postfix_instance import Postfix, missing, running_postfix

from postroom.bench.server import ServerProcess, add_account, find_free_port, run_postroom
from postroom.delivery.limits import LMTPLimits

OWNER, PASSWORD = "anna@home.test", "correct horse"
FRIEND = "friend@example.test"
MESSAGE_ID = "<tea@example.test>"
LETTER = (
    f"From: A Friend <{FRIEND}>\r\nTo: Anna <{OWNER}>\r\nSubject: Tea?\r\nMessage-ID: {MESSAGE_ID}\r\n"
    "Date: Mon, 2 Mar 2026 10:00:00 +0000\r\n\r\nAt four?\r\n"
).encode()

pytestmark = [
    pytest.mark.postfix,
    pytest.mark.asyncio(loop_factories=["uvloop"]),
    pytest.mark.skipif(missing() != "", reason=missing() or "available"),
]


@dataclass
class Way:
    """The stations: where mail comes in, the mailbox, and where the answer arrives."""

    incoming: Postfix
    mailbox: httpx.AsyncClient
    relay: Postfix
    elsewhere: RecordingInbox

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.mailbox.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def arrived(self) -> EmailMessage:
        """Wait for a mail at the other end, and return it."""
        for _ in range(300):
            if self.elsewhere.deliveries:
                (delivery,) = self.elsewhere.deliveries
                assert (delivery.addresses, delivery.envelope.sender) == ([FRIEND], OWNER)
                return email.message_from_bytes(delivery.content, policy=email.policy.default)
            await asyncio.sleep(0.1)
        raise AssertionError(f"nothing arrived; the relay says:\n{self.relay.log()}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Postfix can reach, with a short name for its sockets."""
    made = Path(tempfile.mkdtemp(prefix="postroom-way-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def way(folder: Path, tmp_path: Path) -> AsyncIterator[Way]:
    async with serve(tmp_path, limits=LMTPLimits()) as elsewhere:
        with ExitStack() as stack:
            relay = stack.enter_context(running_postfix(folder / "relay", lmtp=elsewhere.address))
            http, lmtp = (f"127.0.0.1:{find_free_port()}" for _ in range(2))
            config = tmp_path / "postroom.toml"
            config.write_text(
                f'data_dir = "data"\nprimary_domain = "home.test"\n[http]\nlisten = "{http}"\n'
                f'[lmtp]\nlisten = "{lmtp}"\n[relay]\nhost = "127.0.0.1"\nport = {relay.smtp_port}\n'
                "[sending]\nundo_seconds = 0\n[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 8\n"
            )
            await asyncio.to_thread(run_postroom, "init", config_path=config)
            await asyncio.to_thread(run_postroom, "domain", "add", "home.test", config_path=config)
            await asyncio.to_thread(add_account, OWNER, PASSWORD, config_path=config)
            stack.enter_context(ServerProcess(config, listen=http, log_path=tmp_path / "log"))
            options = "virtual_mailbox_domains = home.test\n"
            incoming = stack.enter_context(running_postfix(folder / "in", lmtp=lmtp, options=options))
            mailbox = httpx.AsyncClient(
                base_url=f"http://{http}/api/v1",
                headers={"Authorization": basic(OWNER, PASSWORD)},
                timeout=60,
            )
            async with mailbox:
                yield Way(incoming, mailbox, relay, elsewhere.inbox)


async def test_a_mail_and_its_answer(way: Way) -> None:
    waiting = asyncio.create_task(
        way.mailbox.get("/mails/counters", headers={"If-None-Match": '"unread-0"', "Prefer": "wait=50"})
    )
    await asyncio.to_thread(way.incoming.submit, FRIEND, [OWNER], LETTER)
    told = await waiting
    assert (told.status_code, told.json()) == (200, {"unreadCount": 1})

    inbox = next(one for one in (await way.get("/folders"))["items"] if one["role"] == "inbox")
    (mail,) = (await way.get("/mails", folderId=inbox["id"]))["items"]
    assert (mail["subject"], mail["from"]) == ("Tea?", f"A Friend <{FRIEND}>")
    body = await way.mailbox.get(f"/mails/{mail['id']}/body/full", params={"type": "text"})
    assert body.text.strip() == "At four?"

    answer = {
        "to": FRIEND,
        "subject": "Re: Tea?",
        "bodyText": "At half past four. Anna",
        "refwType": "re",
        "refwMailId": mail["id"],
    }
    sent = await way.mailbox.post(
        "/mails/send", json=answer, headers={"X-Axigen-Session": await _log_in(way)}
    )
    assert sent.status_code == 200, sent.text

    arrived = await way.arrived()
    assert (arrived["Subject"], arrived["In-Reply-To"]) == ("Re: Tea?", MESSAGE_ID)
    assert "At half past four." in arrived.get_content()
    assert (await way.get(f"/mails/{mail['id']}"))["refwFlags"] == "re"
    conversation = await way.get(f"/mails/{mail['id']}/conversation")
    assert len(conversation["mails"]) == 2


async def _log_in(way: Way) -> str:
    return str((await way.mailbox.post("/login")).json()["sessid"])
