"""What the witness of an attempt is told while a message is handed over, and what it forbids."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.fixtures.outbound import CONTENT, outbound
from tests.protocol.smtp_peer import Deed, SMTPPeer, smtp_peer
from tests.protocol.smtp_transports import QUICK, relaying, states

from postroom.errors import unavailable
from postroom.model.outgoing import RELAY, Outbound, Outcome, OutgoingRecipient


class Notes:
    """A witness that writes down what it is told, and what the server has by then."""

    def __init__(self, peer: SMTPPeer, *, refuses: Exception | None = None) -> None:
        self.told: list[tuple[str, list[int], int]] = []
        self._peer = peer
        self._refuses = refuses

    async def before_end(self, recipients: Sequence[OutgoingRecipient]) -> None:
        self.told.append(("end", [one.number for one in recipients], len(self._peer.taken)))
        if self._refuses is not None:
            raise self._refuses

    async def after_some(self, outcomes: Sequence[Outcome]) -> None:
        self.told.append(("some", [one.number for one in outcomes], len(self._peer.taken)))


async def send(peer: SMTPPeer, message: Outbound, notes: Notes) -> list[Outcome]:
    async with relaying(peer, limits=QUICK) as transport:
        return await transport.send(RELAY, message, witness=notes)


@pytest.mark.parametrize("content", [CONTENT, CONTENT + b"x" * 70 + b"\r\n" + b"y\r\n" * 300_000])
async def test_it_is_told_before_the_end(content: bytes) -> None:
    async with smtp_peer({"RCPT bob@example.net": "550 no"}) as peer:
        notes = Notes(peer)
        await send(peer, outbound("bob@example.net", "eve@example.net", content=content), notes)
    assert notes.told == [("end", [2], 0)]
    assert peer.taken[0].content == content


@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_what_fails_before_the_end_is_not_told_of(stage: str) -> None:
    async with smtp_peer({stage: Deed.DROP}) as peer:
        notes = Notes(peer)
        await send(peer, outbound(), notes)
    assert notes.told == []


async def test_who_has_it_is_told_before_it_is_handed_over_for_others() -> None:
    script: dict[str, Any] = {"RCPT": ["250 ok", "452 4.5.3 too many", "250 ok"]}
    async with smtp_peer(script) as peer:
        notes = Notes(peer)
        outcomes = await send(peer, outbound("a@example.net", "b@example.net"), notes)
    assert [outcome.state for outcome in outcomes] == ["relayed"] * 2
    assert notes.told == [("end", [1], 0), ("some", [1], 1), ("end", [2], 1)]


@pytest.mark.parametrize("content", [CONTENT, CONTENT + b"y\r\n" * 300_000])
async def test_what_cannot_be_written_down_is_not_ended(content: bytes) -> None:
    async with smtp_peer() as peer:
        notes = Notes(peer, refuses=unavailable("the store is away"))
        outcomes = await send(peer, outbound(content=content), notes)
    assert states(outcomes) == [("waiting", "4.4.2")]
    assert "the store is away" in outcomes[0].answer
    assert peer.taken == []


async def test_what_else_is_raised_ends_the_attempt() -> None:
    async with smtp_peer() as peer:
        with pytest.raises(RuntimeError, match="lost"):
            await send(peer, outbound(), Notes(peer, refuses=RuntimeError("lost")))
    assert peer.taken == []
