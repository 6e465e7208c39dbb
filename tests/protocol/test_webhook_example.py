"""The receiver in ``examples`` understands what is sent, and refuses what was not."""

import asyncio
import importlib.util
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from tests.fixtures.factories import Owner
from tests.protocol.hook_receiver import make_hooks

from postroom.model.webhook import KINDS

EXAMPLE = Path(__file__).parents[2] / "examples" / "webhook_receiver.py"


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    """The example, as a module."""
    specification = importlib.util.spec_from_file_location("webhook_receiver", EXAMPLE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["webhook_receiver"] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules["webhook_receiver"]


class Running:
    """The receiver in a thread."""

    def __init__(self, example: ModuleType) -> None:
        self.server = example.Receiver(("127.0.0.1", 0), "")
        self.messages: list[dict[str, Any]] = []
        self.server.handle_message = self.messages.append
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def running(example: ModuleType) -> Iterator[Running]:
    """The receiver in a thread."""
    made = Running(example)
    yield made
    made.stop()


async def test_it_takes_each_message_once(owner: Owner, running: Running) -> None:
    hooks = await make_hooks(owner.store, owner)
    ref = await hooks.make(running.url, *KINDS)
    running.server.secret = hooks.webhooks.secret_of(await hooks.get(ref))
    for _ in range(3):
        await owner.add_mail()
    await hooks.work()
    assert (await hooks.get(ref)).failure == ""
    kinds = [message["kind"] for message in running.messages]
    assert kinds == ["mail.delivered", "counters.changed"] * 3
    await hooks.webhooks.replay(await owner.caller(), ref, position=0)
    await hooks.work()
    assert (await hooks.get(ref)).failure == ""
    assert len(running.messages) == 6


async def test_it_refuses_what_was_signed_with_another_secret(owner: Owner, running: Running) -> None:
    hooks = await make_hooks(owner.store, owner)
    first, second = await hooks.make(running.url), await hooks.make(running.url)
    running.server.secret = hooks.webhooks.secret_of(await hooks.get(first))
    await owner.add_mail()
    await hooks.work()
    assert (await hooks.get(first)).failure == ""
    assert (await hooks.get(second)).failure == "the answer was 401"
    assert len(running.messages) == 1


def test_what_is_genuine(example: ModuleType) -> None:
    """The vector of the Standard Webhooks libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    headers = {
        "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "Webhook-Timestamp": "1614265330",
        "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    now = 1614265330.0
    assert example.check(secret, headers, body, now=now) == headers["Webhook-Id"]
    wrong: list[tuple[dict[str, str], bytes, float]] = [
        (headers, body + b" ", now),
        (headers, body, now + 301),
        (headers, body, now - 301),
        ({**headers, "Webhook-Id": "msg_other"}, body, now),
        ({**headers, "Webhook-Timestamp": "1614265331"}, body, now),
        ({**headers, "Webhook-Timestamp": "-5"}, body, now),
        ({**headers, "Webhook-Signature": ""}, body, now),
        ({**headers, "Webhook-Signature": "v1,"}, body, now),
        ({**headers, "Webhook-Signature": "v1,ü v1,!!"}, body, now),
        ({**headers, "Webhook-Signature": "v2," + headers["Webhook-Signature"][3:]}, body, now),
        ({}, body, now),
    ]
    for given, text, moment in wrong:
        with pytest.raises(example.BadMessageError):
            example.check(secret, given, text, now=moment)
    several = {**headers, "Webhook-Signature": "v1,AAAA " + headers["Webhook-Signature"]}
    assert example.check(secret, several, body, now=now)


async def test_it_bears_nonsense(running: Running) -> None:
    running.server.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    async with httpx.AsyncClient() as client:
        assert (await client.post(running.url, content=b"x")).status_code == 401
        stamp = {"Webhook-Id": "a", "Webhook-Timestamp": str(int(time.time())), "Webhook-Signature": "v1,x"}
        assert (await client.post(running.url, json={}, headers=stamp)).status_code == 401
    for length in (b"2000000", b"x", b"-1", b"9" * 5000):
        reader, writer = await asyncio.open_connection(*running.server.server_address)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n" % length)
        assert (await reader.read()).startswith(b"HTTP/1.1 413 ")
        writer.close()
        await writer.wait_closed()
    assert running.messages == []


async def test_it_runs_as_a_program() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *(str(EXAMPLE), "0"),
        env={"WEBHOOK_SECRET": "whsec_AAAA"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    line = (await asyncio.wait_for(child.stdout.readline(), 30)).decode()
    async with httpx.AsyncClient() as client:
        response = await client.post(line.split()[-1], content=json.dumps({}))
    child.terminate()
    await child.wait()
    assert response.status_code == 401
