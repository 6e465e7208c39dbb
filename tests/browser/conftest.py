"""One server and one browser a worker; an account and a browser context a test.

All run in one event loop, which the browser's driver is tied to.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from postroom.demo.mailbox import demo_messages
from tests.browser.chromium import missing, running_chromium
from tests.browser.screen import Screen
from tests.browser.site import Member, Site, running_site

DESKTOP, PHONE = (1280, 800), (390, 844)
PATIENCE_MS = 30_000
"""How long what is awaited may take: what is seen is what counts here, not how busy the machine is."""
expect.set_options(timeout=PATIENCE_MS)

OpenScreen = Callable[..., Awaitable[Screen]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the group."""
    here = Path(__file__).parent
    reason = missing()
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.chromium)
            item.add_marker(pytest.mark.asyncio(loop_scope="package"), append=False)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def chromium() -> AsyncIterator[Browser]:
    """The browser."""
    async with running_chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The server, over SQLite."""
    async with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="package")
async def ann(site: Site) -> AsyncIterator[Member]:
    """Somebody with an account, where nothing is yet."""
    member = await site.add_account()
    yield member
    await member.close()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def maria(site: Site) -> AsyncIterator[Member]:
    """Somebody with the mails of the demonstration; tests leave them as they are."""
    member = await site.add_account("maria", full_name="Maria Example")
    await member.deliver(*(message.raw for message in demo_messages(member.address)))
    yield member
    await member.close()


@pytest_asyncio.fixture(loop_scope="package")
async def open_screen(
    chromium: Browser, site: Site, request: pytest.FixtureRequest
) -> AsyncIterator[OpenScreen]:
    """Opens pages, each in a context of its own; what must not happen in them is judged at the end."""
    opened: list[Screen] = []

    async def open_screen(
        path: str = "/",
        *,
        size: tuple[int, int] = DESKTOP,
        dark: bool = False,
        locale: str = "en-GB",
        url: str | None = None,
    ) -> Screen:
        context = await chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            has_touch=size == PHONE,
            is_mobile=size == PHONE,
            color_scheme="dark" if dark else "light",
            locale=locale,
            timezone_id="Europe/Bucharest",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        place = url or site.url
        screen = Screen(await context.new_page(), place, request.node.name.removeprefix("test_"))
        opened.append(screen)
        await screen.page.goto(place + path)
        return screen

    yield open_screen
    failed = getattr(request.node, "failed", False)
    for number, screen in enumerate(opened):
        if failed:
            await screen.keep(f"failed-{number}")
        await screen.page.context.close()
    for screen in opened:
        screen.check()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Remember that a test failed, so that its pages are kept."""
    report = yield
    if call.when == "call" and report.failed:
        item.failed = True  # type: ignore[attr-defined]
    return report
