"""Work that is done again and again."""

import asyncio

from structlog.testing import capture_logs

from postroom.app.background import in_background, repeat
from postroom.errors import unavailable

SOON_SECONDS = 30.0


async def test_what_fails_is_told_and_holds_up_nothing() -> None:
    done: list[str] = []
    again = asyncio.Event()

    async def refused() -> None:
        done.append("refused")
        raise unavailable("not now", private="why")

    async def broken() -> None:
        done.append("broken")
        raise ValueError("a fault")

    async def sound() -> None:
        done.append("sound")
        if done.count("sound") == 2:
            again.set()

    with capture_logs() as lines:
        async with in_background(repeat("it failed", refused, broken, sound, pause_seconds=0)):
            async with asyncio.timeout(SOON_SECONDS):
                await again.wait()
    assert done[:6] == ["refused", "broken", "sound"] * 2
    assert {line["event"] for line in lines} == {"it failed"}
    assert [line["log_level"] for line in lines[:2]] == ["warning", "error"]
    assert lines[0]["private"] == "why"
    assert lines[1]["exc_info"]


async def test_work_that_rests_first() -> None:
    done: list[str] = []

    async def step() -> None:
        done.append("step")

    async with in_background(repeat("it failed", step, pause_seconds=3600, rests_first=True)):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert done == []
