"""How fast it is: first paint, and a folder of 100,000 mails. The figures are kept beside the pictures.

They depend on what else the machine does: what is asserted is what does not, how much of a list is in the page.
"""

import statistics
from typing import Any

import pytest
from playwright.async_api import CDPSession, Page, expect

from tests.browser.conftest import OpenScreen
from tests.browser.mailbox import log_in
from tests.browser.site import Member

PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
ROWS = """() => {
    const rows = [...document.querySelectorAll('[role=row]')];
    const has = (row) => row.querySelector('[role=checkbox], input[type=checkbox]') !== null;
    return rows.length > 5 && rows.every(has) && performance.now();
}"""
JUMP = """async (part) => {
    const list = document.querySelector('[role=grid]');
    const begin = performance.now();
    list.scrollTop = list.scrollHeight * part;
    const wanted = Math.floor((list.scrollTop + 40) / (list.scrollHeight / list.ariaRowCount)) + 1;
    const isThere = () => list.querySelector(`[aria-rowindex="${wanted}"] input[type=checkbox]`);
    while (!isThere()) await new Promise(requestAnimationFrame);
    return performance.now() - begin;
}"""
REPEATS = 7
HUGE = 100_000
CHUNK = 5_000
MOST_NODES = 2_500
"""Elements, texts and attributes of the whole page."""
MOST_HEAP_MIB = 20


async def value_of(page: Page, script: str) -> float:
    """Wait until a script in the page has a number; return it."""
    return float(await (await page.wait_for_function(script)).json_value())


async def count(session: CDPSession) -> tuple[int, float]:
    """Return how many nodes the page has, and the size of its scripts' memory in MiB, without what is garbage."""
    await session.send("HeapProfiler.collectGarbage")
    found: Any = await session.send("Performance.getMetrics")
    metrics = {one["name"]: one["value"] for one in found["metrics"]}
    return int(metrics["Nodes"]), metrics["JSHeapUsedSize"] / 2**20


async def test_first_paint(open_screen: OpenScreen, maria: Member) -> None:
    cold = []
    for _ in range(REPEATS):
        screen = await open_screen()
        cold.append(await value_of(screen.page, PAINT))
    await log_in(screen, maria)
    paints, lists = [], []
    for _ in range(REPEATS):
        await screen.page.reload()
        lists.append(await value_of(screen.page, ROWS))
        paints.append(await value_of(screen.page, PAINT))
    screen.note(
        f"first paint: {statistics.median(cold):.0f} ms (login, nothing in the cache), "
        f"{statistics.median(paints):.0f} ms (mailbox, reloaded); list of mails {statistics.median(lists):.0f} ms; "
        f"medians of {REPEATS}\n"
    )
    assert min(cold + paints) > 0


@pytest.mark.nightly
@pytest.mark.timeout(900)
async def test_a_hundred_thousand_mails(open_screen: OpenScreen, ann: Member) -> None:
    for seed in range(HUGE // CHUNK):
        await ann.owner.add_many(CHUNK, seed=seed, subjects=CHUNK)
    screen = await open_screen()
    await log_in(screen, ann)
    page = screen.page
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    notes = []
    for name, wanted in (("mails", False), ("conversations", True)):
        await ann.call("PATCH", "/account/settings", {"conversationView": wanted})
        times = []
        for _ in range(REPEATS):
            await page.reload()
            times.append(await value_of(page, ROWS))
        await expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(HUGE))
        before = await count(session)
        jumps = [await page.evaluate(JUMP, number % 37 / 37) for number in range(1, 300, 7)]
        after = await count(session)
        notes.append(
            f"{HUGE:,} {name}: first rows {statistics.median(times):.0f} ms; {before[0]} nodes, {before[1]:.1f} MiB; "
            f"after {len(jumps)} jumps {after[0]} nodes, {after[1]:.1f} MiB; "
            f"a jump {statistics.median(jumps):.0f} ms, the longest {max(jumps):.0f} ms\n"
        )
        assert max(before[0], after[0]) < MOST_NODES
        assert max(before[1], after[1]) < MOST_HEAP_MIB
    screen.note("".join(notes))
    await screen.keep("bottom")
