"""The process that reads documents: what it finds, what it survives, and what it leaves behind when it dies."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fixtures.documents import attach, make_docx, make_endless, make_pdf, make_pdf_bomb

from postroom.content import extractor as extractor_module
from postroom.content.extractor import Extractor, Limits, Result
from postroom.store.messages import InlineReader

ANY = "application/octet-stream"
QUICK = Limits(document_seconds=1, message_seconds=5)


@pytest.fixture
async def extractor() -> AsyncIterator[Extractor]:
    made = Extractor(QUICK)
    yield made
    await made.close()


async def read(extractor: Extractor, raw: bytes, *, owner: int = 1) -> Result:
    result = await extractor.read(owner, InlineReader(raw))
    assert result is not None
    return result


def words_of(result: Result) -> set[str]:
    assert result.terms is not None
    return set(result.terms.other.lower().split())


def pid_of(extractor: Extractor) -> int:
    assert extractor._process is not None
    return extractor._process._process.pid


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_documents_are_read_elsewhere(extractor: Extractor) -> None:
    raw = attach(("a.pdf", ANY, make_pdf("Alpha")), ("b.docx", ANY, make_docx("Beta")))
    result = await read(extractor, raw)
    assert (result.read, result.failed, result.killed) == (2, 0, 0)
    assert {"alpha", "beta"} <= words_of(result)
    assert (await read(extractor, attach(("a.pdf", ANY, b"none")))).terms is None


async def test_each_owner_has_a_process_of_its_own(
    extractor: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = attach(("a.docx", ANY, make_docx("Alpha")))
    monkeypatch.setattr(extractor_module, "MESSAGES_A_PROCESS", 2)
    pids = []
    for owner in (1, 1, 1, 2, 1):
        await read(extractor, raw, owner=owner)
        pids.append(pid_of(extractor))
    assert pids[0] == pids[1]
    assert len(set(pids)) == 4
    assert [pid for pid in set(pids) if is_alive(pid)] == [pids[-1]]


async def test_it_has_given_up_what_it_does_not_need(
    extractor: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_STORE_URL", "postgresql://user:secret@host/db")
    await read(extractor, attach(("a.docx", ANY, make_docx("Alpha"))))
    process = Path(f"/proc/{pid_of(extractor)}")
    limits = {
        line[:26].strip(): line[26:].split()[:2] for line in (process / "limits").read_text().splitlines()
    }
    assert limits["Max address space"] == [str(QUICK.memory_bytes)] * 2
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max processes"] == ["0", "0"]
    assert b"secret" not in (process / "environ").read_bytes()
    assert int((process / "stat").read_text().rpartition(")")[2].split()[16]) >= 10
    assert "NoNewPrivs:\t1" in (process / "status").read_text()


async def test_a_document_without_end_costs_its_time_alone(extractor: Extractor) -> None:
    raw = attach(
        ("before.docx", ANY, make_docx("Before")),
        ("endless.rtf", ANY, make_endless()),
        ("after.docx", ANY, make_docx("After")),
    )
    result = await read(extractor, raw)
    assert (result.read, result.killed) == (2, 1)
    assert {"before", "after"} <= words_of(result)


async def test_after_some_only_the_harmless_are_read(
    extractor: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extractor_module, "MOST_KILLED", 2)
    endless = [(f"{number}.rtf", ANY, make_endless()) for number in range(4)]
    raw = attach(("a.docx", ANY, make_docx("Alpha")), *endless, ("z.docx", ANY, make_docx("Omega")))
    result = await read(extractor, raw)
    assert (result.read, result.failed, result.killed) == (1, 5, 2)
    assert "alpha" in words_of(result)


async def test_memory_is_bounded() -> None:
    hungry = Extractor(Limits(memory_bytes=200 << 20))
    bomb = make_pdf_bomb(800 << 20)
    try:
        result = await read(hungry, attach(("bomb.pdf", ANY, bomb), ("b.docx", ANY, make_docx("Beta"))))
    finally:
        await hungry.close()
    assert result.read + result.failed == 2
    assert "beta" in words_of(result)


async def test_too_little_memory_for_the_message_is_no_result() -> None:
    starved = Extractor(Limits(document_seconds=2, message_seconds=2, memory_bytes=1 << 20))
    try:
        assert await starved.read(1, InlineReader(b"x" * (64 << 20))) is None
    finally:
        await starved.close()


async def test_a_process_that_is_stopped_is_ended(
    extractor: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extractor_module, "GRACE_SECONDS", 1)
    raw = attach(("b.docx", ANY, make_docx("Beta")))
    await read(extractor, raw)
    pid = pid_of(extractor)
    os.kill(pid, signal.SIGSTOP)
    assert await extractor.read(1, InlineReader(raw)) is None
    assert not is_alive(pid)
    assert (await read(extractor, raw)).read == 1


async def test_a_message_that_cannot_be_read_leaves_no_half_of_it(extractor: Extractor) -> None:
    raw = attach(("b.docx", ANY, make_docx("Beta" * 1000)))

    class Broken(InlineReader):
        async def read(self, start: int, end: int) -> bytes:
            raise OSError("the disk is gone")

    assert await extractor.read(1, Broken(raw)) is None
    assert (await read(extractor, raw)).read == 1


async def test_who_gives_up_waiting_leaves_no_process(extractor: Extractor) -> None:
    raw = attach(("endless.rtf", ANY, make_endless()))
    reading = asyncio.create_task(extractor.read(1, InlineReader(raw)))
    async with asyncio.timeout(10):
        while extractor._process is None:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
    pid = pid_of(extractor)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not is_alive(pid)


def start_server(program: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=environment
    )


async def test_an_orphan_ends_by_itself(tmp_path: Path) -> None:
    """The server is killed while a document without end is being read."""
    program = tmp_path / "server.py"
    program.write_text(
        "import asyncio\n"
        "from tests.fixtures.documents import attach, make_endless\n"
        "from postroom.content.extractor import Extractor, Limits\n"
        "from postroom.store.messages import InlineReader\n"
        "async def main():\n"
        "    extractor = Extractor(Limits(document_seconds=2, message_seconds=2))\n"
        "    reading = asyncio.create_task(extractor.read(1, InlineReader(attach(('x.rtf', '', make_endless())))))\n"
        "    while extractor._process is None:\n"
        "        await asyncio.sleep(0.01)\n"
        "    print(extractor._process._process.pid, flush=True)\n"
        "    await reading\n"
        "asyncio.run(main())\n"
    )
    server = await asyncio.to_thread(start_server, program)
    assert server.stdout is not None
    pid = int(await asyncio.to_thread(server.stdout.readline))
    await asyncio.sleep(1)
    server.kill()
    await asyncio.to_thread(server.wait)
    server.stdout.close()
    async with asyncio.timeout(20):
        while is_alive(pid) and "zombie" not in Path(f"/proc/{pid}/status").read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
