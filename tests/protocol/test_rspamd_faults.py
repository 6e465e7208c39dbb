"""The client of rspamd and a peer that is down, slow, broken or lying: no fault costs more than the time limit."""

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from tests.protocol.hook_receiver import CLOSE, ENDLESS, HANG, RESET, TRICKLE, Answer, Receiver, receiving

from postroom.app.rspamd import FAILURES, REST_SECONDS, Breaker, Rspamd
from postroom.bench.server import find_free_port
from postroom.config.filters import FiltersConfig
from postroom.domain.spam_filters import LOCAL_CLIENT, Score
from postroom.model.envelope import Envelope, Recipient
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId

RECIPIENT = Recipient(address="ann@example.test", account_id=AccountId(1), folder_id=INBOX, detail="")
ENVELOPE = Envelope(
    sender="bea@example.org",
    recipients=(RECIPIENT, replace(RECIPIENT, address="zoë@example.test"), RECIPIENT),
    client="unix",
    helo="mx",
    smtputf8=True,
    body_8bit=True,
)
RECEIVED = "from far.example.org (far.example.org [192.0.2.7]) by mx.example.test with ESMTP id 1; x"
RAW = b"Subject: x\r\n\r\ntext\r\n"
SOON = 0.3


def answer(body: bytes | dict[str, Any], status: int = 200) -> bytes:
    """Return all the bytes of an answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(content), content)


def make_client(url: str, **options: Any) -> Rspamd:
    return Rspamd(FiltersConfig(rspamd_url=url, **{"rspamd_timeout_ms": int(SOON * 1000), **options}))


def client_of(peer: Receiver, **options: Any) -> Rspamd:
    return make_client(f"http://127.0.0.1:{peer.port}", **options)


async def ask(client: Rspamd, envelope: Envelope = ENVELOPE, raw: bytes = RAW) -> Score | None:
    begun = time.monotonic()
    score = await client.score(envelope, raw, received=RECEIVED)
    assert time.monotonic() - begun < SOON + 1
    return score


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ({"action": "reject", "score": 16.5, "required_score": 15}, Score(True, 16.5)),
        ({"action": "add header", "score": 7}, Score(True, 7.0)),
        ({"action": "rewrite subject", "score": 7, "symbols": {"X": {}}}, Score(True, 7.0)),
        ({"action": "no action", "score": -1.5, "required_score": 15}, Score(False, -1.5)),
        ({"action": "greylist", "score": 5, "required_score": 15}, Score(False, 5.0)),
        ({"action": "own action", "score": 20, "required_score": 15}, Score(True, 20.0)),
        ({"action": "no action", "score": 0, "required_score": 0}, Score(False, 0.0)),
        ({"action": "reject", "score": 1e300}, Score(True, 9999.0)),
    ],
)
async def test_scores(reply: dict[str, Any], score: Score) -> None:
    async with receiving(answer(reply)) as peer:
        assert await ask(client_of(peer)) == score


async def test_what_is_asked() -> None:
    async with receiving(default=answer({"action": "no action", "score": 0})) as peer:
        client = client_of(peer, rspamd_password="secret")
        await ask(client)
        await ask(client, replace(ENVELOPE, sender="", client=LOCAL_CLIENT))
        first, second = peer.taken
    assert first.line == "POST /checkv2 HTTP/1.1"
    assert first.body == RAW
    assert first.headers["from"] == "<bea@example.org>"
    # The last of several; each recipient is named once.
    assert first.headers["rcpt"].encode("latin-1").decode() == "<zoë@example.test>"
    assert (first.headers["ip"], first.headers["helo"]) == ("192.0.2.7", "far.example.org")
    assert first.headers["password"] == "secret"
    assert (second.headers["from"], second.headers["user"]) == ("<>", "postmaster")
    assert "ip" not in second.headers


@pytest.mark.parametrize(
    "received", ["", "by mx with LMTP", "from x ([999.1.1.1]) by mx", "from x (y) by [192.0.2.1]"]
)
async def test_clients_that_are_not_known(received: str) -> None:
    async with receiving(answer({"action": "no action", "score": 0})) as peer:
        assert await client_of(peer).score(ENVELOPE, RAW, received=received) is not None
        assert "ip" not in peer.taken[0].headers


@pytest.mark.parametrize(
    "fault",
    [
        HANG,
        RESET,
        CLOSE,
        ENDLESS,
        TRICKLE,
        500,
        204,
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        answer(b""),
        answer(b"{"),
        answer(b"[]"),
        answer(b"{}"),
        answer(b"\xff\xfe"),
        answer(b'{"action": "reject"}'),
        answer(b'{"action": null, "score": 1}'),
        answer(b'{"action": "reject", "score": "20"}'),
        answer(b'{"action": "reject", "score": NaN}'),
        answer(b"[" * 200_000),
        answer(b'{"action": "reject", "score": 20}' + b" " * 2_000_000),
    ],
    ids=lambda fault: repr(fault)[:30],
)
async def test_faults(fault: Answer) -> None:
    async with receiving(fault) as peer:
        assert await ask(client_of(peer)) is None


async def test_nobody_listens() -> None:
    assert await ask(make_client(f"http://127.0.0.1:{find_free_port()}")) is None


async def test_a_certificate_that_nobody_trusts() -> None:
    async with receiving(is_tls=True) as peer:
        assert await ask(make_client(f"https://127.0.0.1:{peer.port}")) is None


async def test_large_messages_are_not_asked_for() -> None:
    async with receiving() as peer:
        client = client_of(peer, rspamd_max_message_bytes=1024)
        assert await ask(client, raw=b"x" * 1025) is None
        assert peer.taken == []


async def test_a_dead_one_is_not_asked_for_a_while() -> None:
    now = [0.0]
    async with receiving(
        *[HANG] * FAILURES, HANG, default=answer({"action": "no action", "score": 0})
    ) as peer:
        config = FiltersConfig(rspamd_url=f"http://127.0.0.1:{peer.port}", rspamd_timeout_ms=1000)
        client = Rspamd(config, breaker=Breaker(now=lambda: now[0]))
        for _ in range(FAILURES):
            assert await ask(client) is None
        for _ in range(100):
            assert await ask(client) is None
        assert len(peer.taken) == peer.connections == FAILURES
        # Once it is over, one of many tries again; that fails, too.
        now[0] += REST_SECONDS
        assert await asyncio.gather(*[ask(client) for _ in range(10)]) == [None] * 10
        assert len(peer.taken) == FAILURES + 1
        now[0] += REST_SECONDS
        assert await ask(client) == Score(False, 0.0)
        assert await asyncio.gather(*[ask(client) for _ in range(10)]) == [Score(False, 0.0)] * 10


async def test_some_failures_among_answers_are_no_death() -> None:
    fine = answer({"action": "no action", "score": 0})
    script: list[Answer] = [CLOSE, CLOSE, fine]
    async with receiving(*script * 5) as peer:
        client = client_of(peer)
        found = [await ask(client) for _ in range(15)]
        assert found == [None, None, Score(False, 0.0)] * 5


async def test_few_are_asked_for_at_once() -> None:
    """Those that wait for a connection wait no longer than the others."""
    async with receiving(default=HANG) as peer:
        client = client_of(peer, rspamd_connections=2)
        begun = time.monotonic()
        assert await asyncio.gather(*[ask(client) for _ in range(20)]) == [None] * 20
        assert time.monotonic() - begun < SOON + 1
        assert peer.connections == 2


# Teaching


@pytest.mark.parametrize(
    ("reply", "is_done"),
    [
        (answer({"success": True}), True),
        (answer({"error": "already learned"}, 208), True),
        (answer({"error": "denied"}, 404), True),
        # As rspamd answers, against RFC 9110 §15.3.5.
        (b"HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\n{}", True),
        (answer({"error": "Unauthorized"}, 401), True),
        (answer({"error": "invalid command"}, 500), True),
        (answer({}, 503), False),
        (CLOSE, False),
        (RESET, False),
        (b"nonsense\r\n\r\n", False),
    ],
)
async def test_teaching(reply: Answer, is_done: bool) -> None:
    async with receiving(reply) as peer:
        client = client_of(peer, rspamd_password="secret")
        assert await client.teach(RAW, is_spam=is_done) is is_done
        [taken] = peer.taken
    assert taken.line == f"POST /{'learnspam' if is_done else 'learnham'} HTTP/1.1"
    assert (taken.body, taken.headers["password"]) == (RAW, "secret")


async def test_the_controller_is_somebody_else() -> None:
    fine = answer({"action": "no action", "score": 0})
    async with receiving(fine) as scanner, receiving(fine) as controller:
        client = client_of(
            scanner, rspamd_learn_url=f"http://127.0.0.1:{controller.port}/rspamd/", rspamd_password="secret"
        )
        assert await client.teach(RAW, is_spam=True)
        assert await ask(client) is not None
        assert controller.taken[0].line == "POST /rspamd/learnspam HTTP/1.1"
        assert "password" not in scanner.taken[0].headers
