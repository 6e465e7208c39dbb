"""Pieces written in one turn of the loop leave as one, in their order, before whatever ends the connection."""

import asyncio

import pytest

from postroom.api.gathering import MAX_GATHERED_BYTES, GatheringTransport


class Pipe(asyncio.Transport):
    """A transport that notes what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[object] = []
        self.is_over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def write_eof(self) -> None:
        self.done.append("eof")

    def close(self) -> None:
        self.done.append("close")
        self.is_over = True

    def abort(self) -> None:
        self.done.append("abort")
        self.is_over = True

    def is_closing(self) -> bool:
        return self.is_over

    def get_write_buffer_size(self) -> int:
        return 7


@pytest.fixture
async def pipe() -> Pipe:
    return Pipe()


def gather(pipe: Pipe) -> GatheringTransport:
    return GatheringTransport(pipe, asyncio.get_running_loop())


async def test_pieces_leave_as_one(pipe: Pipe) -> None:
    transport = gather(pipe)
    transport.write(b"head ")
    transport.write(b"body")
    assert pipe.done == []
    assert transport.get_write_buffer_size() == 7 + 9
    await asyncio.sleep(0)
    assert pipe.done == [b"head body"]
    assert transport.get_write_buffer_size() == 7
    transport.write(b"next")
    transport.flush()
    transport.flush()
    await asyncio.sleep(0)
    assert pipe.done == [b"head body", b"next"]


async def test_many_do_not_wait(pipe: Pipe) -> None:
    transport = gather(pipe)
    transport.write(b"a")
    transport.write(b"b" * MAX_GATHERED_BYTES)
    assert pipe.done == [b"a" + b"b" * MAX_GATHERED_BYTES]


@pytest.mark.parametrize(("end", "told"), [("close", "close"), ("write_eof", "eof")])
async def test_an_end_comes_behind(pipe: Pipe, end: str, told: str) -> None:
    transport = gather(pipe)
    transport.write(b"last")
    getattr(transport, end)()
    await asyncio.sleep(0)
    assert pipe.done == [b"last", told]


async def test_what_is_cut_off_is_lost(pipe: Pipe) -> None:
    transport = gather(pipe)
    transport.write(b"last")
    transport.abort()
    await asyncio.sleep(0)
    transport.write(b"later")
    await asyncio.sleep(0)
    assert pipe.done == ["abort"]
    assert transport.is_closing()
