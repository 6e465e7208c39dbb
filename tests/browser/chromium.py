"""Chromium as the system has it, started so that nothing of it talks to anybody but the server under test."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
"""What judges whether a page is accessible."""
ANY_NAME = "mail.example.test"
"""A name of the server that the browser does not trust as it trusts loopback addresses."""
_FLAGS = (
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Names resolve to nothing: what a page asks of another host can be noticed, but not answered.
    f"--host-resolver-rules=MAP {ANY_NAME} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def missing() -> str:
    """Return why no browser can run here, or nothing judge what it shows; "" if all is there."""
    if _find() is None:
        return "Chromium is not installed: apt-get install chromium"
    return "" if AXE.exists() else "axe-core is not installed: apt-get install npm, npm ci"


def _find() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """Run a browser without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_find(), headless=True, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()
