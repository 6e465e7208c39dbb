"""``postroom serve`` and the commands beside it: what an import brings is told, and no stream holds up the end."""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.fixtures.factories import basic, make_message

# The server is a process of its own, with the loop of its choice.
pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])

SOON_SECONDS = 10.0
ADDRESS, PASSWORD = "anna@example.test", "correct horse"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for unix sockets."""
    made = Path(tempfile.mkdtemp(prefix="events-", dir="/tmp"))
    (made / "postroom.toml").write_text(
        f'data_dir = "{made / "data"}"\n[http]\nlisten = "unix:{made / "http"}"\n[lmtp]\nlisten = ""\n'
        "[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 8\n"
    )
    yield made
    shutil.rmtree(made)


async def run(folder: Path, *arguments: str, stdin: bytes = b"") -> None:
    """Run a command to its end."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "postroom", *arguments, "--config", str(folder / "postroom.toml")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await asyncio.wait_for(child.communicate(stdin), 60)
    assert child.returncode == 0, arguments


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the server."""
    with (folder / "log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "postroom", "serve", "--config", str(folder / "postroom.toml")),
            stderr=log,
        )
    try:
        async with asyncio.timeout(60):
            while "serving" not in (folder / "log").read_text():  # noqa: ASYNC110 (another process writes it)
                await asyncio.sleep(0.02)
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def test_server_with_streams(folder: Path) -> None:
    await run(folder, "domain", "add", "example.test")
    await run(folder, "account", "add", ADDRESS, "--password-stdin", stdin=PASSWORD.encode())
    letter = folder / "letter.eml"
    letter.write_bytes(make_message())
    async with serving(folder) as server:
        reader, writer = await asyncio.open_unix_connection(str(folder / "http"))
        head = f"GET /api/v1/events HTTP/1.1\r\nHost: mail.test\r\nAuthorization: {basic(ADDRESS, PASSWORD)}\r\n\r\n"
        writer.write(head.encode())
        await asyncio.wait_for(reader.readuntil(b'"unreadCount":0'), SOON_SECONDS)
        await run(folder, "import", ADDRESS, str(letter))
        await asyncio.wait_for(reader.readuntil(b'"totalItems":1'), SOON_SECONDS)
        started = time.monotonic()
        server.terminate()
        rest = await asyncio.wait_for(reader.read(), SOON_SECONDS)
        assert rest.endswith(b"0\r\n\r\n"), "the stream was broken off"
        assert await asyncio.wait_for(server.wait(), SOON_SECONDS) == 0
        assert time.monotonic() - started < SOON_SECONDS / 2
        writer.close()
    assert b"Traceback" not in (folder / "log").read_bytes()
