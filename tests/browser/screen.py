"""A page that notices what must never happen in it, and keeps pictures of what it shows.

Errors in the console, scripts that fail, dialogs that nobody asked for and requests to any other place than the
server are gathered, whichever frame they come from; a test's fixture has :meth:`Screen.check` judge them at the end.
"""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Dialog, Page, Request, Response, WebError

from tests.browser.chromium import AXE, ROOT

_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # Style sheets are not fetched anew: no rule that is asked for reads them.
    "preload": False,
}
_INSIDE = ("data:", "blob:", "about:")
_GONE = re.compile(r"status of 404 .*\((.*/conversations/[^/?]+)\?")
"""What is open is asked for at each change; where its last mail goes, that is how the page learns of it."""


def screenshots() -> Path:
    """Return the folder of the pictures."""
    return Path(os.environ.get("POSTROOM_SCREENSHOTS", ROOT / "build" / "screenshots"))


@dataclass
class Screen:
    """A page in a context of its own, as one person sees it."""

    page: Page
    url: str
    """Where the server is."""
    name: str
    """What pictures are called by."""
    problems: list[str] = field(default_factory=list)
    """What happened that must not."""
    requested: list[str] = field(default_factory=list)
    """The addresses of all requests."""
    _expected: list[str] = field(default_factory=list)
    _found: set[str] = field(default_factory=set)
    """The addresses that have answered, without their queries."""

    def __post_init__(self) -> None:
        context = self.page.context
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("dialog", self._on_dialog)

    def expect_problem(self, pattern: str) -> None:
        """Say that a problem is right in this test: a pattern that its text matches somewhere."""
        self._expected.append(pattern)

    def check(self) -> None:
        """Fail if something happened that must not."""
        unexpected = [problem for problem in self.problems if not self._is_expected(problem)]
        assert not unexpected, "\n".join(unexpected)

    def _is_expected(self, problem: str) -> bool:
        gone = _GONE.search(problem)
        if gone is not None and gone[1] in self._found:
            return True
        return any(re.search(one, problem) for one in self._expected)

    async def keep(self, what: str) -> None:
        """Keep a picture of the page as it is."""
        folder = screenshots()
        folder.mkdir(parents=True, exist_ok=True)
        # As the page is: to hide the caret, a style would be put in, which the page's policy refuses.
        await self.page.screenshot(path=folder / f"{self.name}-{what}.png", caret="initial")

    def note(self, text: str) -> None:
        """Keep a text beside the pictures."""
        folder = screenshots()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.txt").write_text(text)

    async def judge(self, what: str, *, without: str = "") -> None:
        """Keep a picture, and fail where the page is not accessible (axe), ``without`` a rule that does not fit."""
        await self.keep(what)
        if not await self.page.evaluate("() => 'axe' in globalThis"):
            # The page's own policy lets no script in; the browser's debugger does.
            session = await self.page.context.new_cdp_session(self.page)
            await session.send("Runtime.evaluate", {"expression": AXE.read_text()})
            await session.detach()
        rules = {**_RULES, "rules": {without: {"enabled": False}}} if without else _RULES
        found = await self.page.evaluate("rules => axe.run(document, rules)", rules)
        violations = [_describe(one) for one in found["violations"]]
        assert not violations, "\n".join(violations)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(
                f"console {message.type}: {message.text} ({message.location.get('url', '')})"
            )

    def _on_error(self, error: WebError) -> None:
        self.problems.append(f"script: {error.error}")

    def _on_request(self, request: Request) -> None:
        self.requested.append(request.url)
        if not request.url.startswith((f"{self.url}/", *_INSIDE)):
            self.problems.append(f"request: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.ok:
            self._found.add(response.url.partition("?")[0])
        if response.status >= 500:
            self.problems.append(f"answer: {response.status} {response.url}")

    async def _on_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        await dialog.dismiss()


def _describe(violation: dict[str, Any]) -> str:
    places = [f"{node['target']} {node['html'][:200]} {_reason(node)}" for node in violation["nodes"][:3]]
    return f"{violation['id']} ({violation['impact']}): {violation['help']}\n" + "\n".join(places)


def _reason(node: dict[str, Any]) -> str:
    return json.dumps([check["message"] for check in (*node["any"], *node["all"], *node["none"])][:2])
