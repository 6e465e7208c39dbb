"""The page of the API in a real browser: calls are tried, errors and changes listed, nothing comes from outside."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright

from tests.api.live import Live, serving
from tests.api.world import PASSWORD, User, World

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
PATIENCE_MS = 20_000

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]


@pytest.fixture
async def live(world: World) -> AsyncIterator[Live]:
    async with serving(world) as live:
        yield live


@pytest.fixture
async def page(live: Live) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        try:
            page = await browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            complaints: list[str] = []
            asked: list[str] = []
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda line: complaints.append(line.text) if "Policy" in line.text else None)
            page.on("request", lambda request: asked.append(request.url))
            await page.goto(f"{live.url}/api/docs")
            await page.wait_for_selector("#changes")
            yield page
            assert complaints == []
            assert [url for url in asked if not url.startswith(live.url)] == []
        finally:
            await browser.close()


async def send(page: Page, operation: str, **fields: str) -> str:
    """Try a call; return what is shown of its answer."""
    trial = page.locator(f"section:has(#{operation}) details.trial")
    await trial.locator("summary").click()
    for name, value in fields.items():
        control = trial.locator("textarea") if name == "body" else trial.locator(f'input[name="{name}"]')
        await control.fill(value)
    await trial.get_by_role("button", name="Send").click()
    await trial.locator("output pre").wait_for(state="attached")
    return await trial.locator("output").inner_text()


async def test_what_stands_between_backticks_is_code(page: Page) -> None:
    about = page.locator("#about")
    assert "X-Request-Id" in await about.locator("code").all_inner_texts()
    assert "`" not in await page.locator("body").inner_text()


async def test_calls_are_tried_with_a_password(page: Page, ann: User) -> None:
    assert "401" in await send(page, "listLabels")
    await page.locator("#name").fill(ann.account.address)
    await page.locator("#password").fill(PASSWORD)
    assert f"as {ann.account.address}" in await page.locator("#identity").inner_text()
    counters = await send(page, "getCounters", folders="all")
    assert "200" in counters
    assert '"unreadCount": 0' in counters
    made = await send(page, "createFolder", body='{"name": "Tea <b>at four"}')
    assert '"name": "Tea <b>at four"' in made
    refused = await send(page, "listMails", folderId="80_2", limit="0")
    assert '"parameter": "limit"' in refused
    assert '"items"' in await send(page, "listFolders")


async def test_calls_are_tried_in_the_session_of_the_web_client(page: Page, live: Live, ann: User) -> None:
    session = await page.evaluate(
        """async ([username, password]) => {
            const answer = await fetch("/api/v1/login/cookie", {
                method: "POST",
                headers: { "Content-Type": "application/json" },
                body: JSON.stringify({ username, password }),
            });
            return (await answer.json()).sessid;
        }""",
        [ann.account.address, PASSWORD],
    )
    await page.evaluate("(one) => sessionStorage.setItem('postroom.sessid', one)", session)
    await page.reload()
    await page.wait_for_selector("#changes")
    assert "session of the web client" in await page.locator("#identity").inner_text()
    assert '"accountName": "ann"' in await send(page, "getAccountInfo")


async def test_errors_and_changes_are_listed(page: Page) -> None:
    more = await page.locator("#more").inner_text()
    for word in ("sessionRequired", "unavailable", "503", "1.0.0"):
        assert word in more
    await page.locator("#find").fill("getCounters")
    assert await page.locator("section:has(h2 .method)").count() <= 3
