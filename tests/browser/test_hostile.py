"""Hostile mails: whatever they hold, no script runs, nothing else is fetched, and the page stays as it is.

A script that ran would show itself by a dialog, by the title, or by a property of a window; one that was only kept
from running is told in the console, which fails the test too: what can act must not even reach the page.
"""

import base64
import re
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.async_api import Request, Route, expect

from postroom.demo.files import make_picture
from tests.api.world import make_message as make_mail
from tests.browser.conftest import OpenScreen
from tests.browser.mailbox import Mailbox, log_in
from tests.browser.site import Member
from tests.fixtures.factories import make_message
from tests.unit.sanitise.vectors import VECTORS

MARKUP = '"><img src=x onerror=alert(1)><script>window.ran = 1; document.title = "ran"</script>'
PARTS = 4
ATTACKS = [vector for vectors in VECTORS.values() for vector in vectors]
HTML = (("MIME-Version", "1.0"), ("Content-Type", "text/html; charset=utf-8"))


def make_html_mail(subject: str, html: str, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """Return a mail of HTML, as it is."""
    body = html.encode("utf-8", errors="replace").decode()
    return make_message(
        subject=subject, headers=[*HTML, *headers], body=body.replace("\r", "").replace("\n", "\r\n") + "\r\n"
    )


async def ran(mailbox: Mailbox) -> list[Any]:
    """Return what scripts have left behind."""
    frames = [await frame.evaluate("() => window.ran ?? null") for frame in mailbox.page.frames]
    return [found for found in frames if found is not None]


@pytest.mark.parametrize("part", range(PARTS))
async def test_attacks_by_html(open_screen: OpenScreen, ann: Member, part: int) -> None:
    # At the account's own level pictures from elsewhere would be shown.
    await ann.call("PATCH", "/account/settings", {"externalImages": "never"})
    screen = await open_screen()
    mailbox = await open_each(await log_in(screen, ann), ann, ATTACKS[part::PARTS])
    await screen.keep("last")
    assert await ran(mailbox) == []
    assert "Postroom" in await mailbox.page.title()


async def test_attacks_by_html_with_pictures(open_screen: OpenScreen, ann: Member) -> None:
    await ann.call("PATCH", "/account/settings", {"externalImages": "always"})
    screen = await open_screen()
    # Pictures that are named as such may be asked for, of these hosts; there are no such hosts.
    screen.expect_problem(r"https://(tracker|x)\.example/")
    mailbox = await open_each(await log_in(screen, ann), ann, VECTORS["images and media"])
    assert await ran(mailbox) == []


async def open_each(mailbox: Mailbox, ann: Member, vectors: list[str]) -> Mailbox:
    """Deliver a mail for each attack, and open all of them: they are one conversation, and all unread."""
    answer = (("References", "<attacks@other.test>"),)
    await ann.deliver(
        *(
            make_html_mail("Re: Attacks", f"<p>mark {number}.</p>{vector}", answer)
            for number, vector in enumerate(vectors)
        )
    )
    await expect(mailbox.row("Attacks")).to_contain_text(str(len(vectors)))
    await mailbox.open("Attacks")
    await expect(mailbox.reading.get_by_role("article")).to_have_count(len(vectors))
    shown = """count => {
        const frames = [...document.querySelectorAll("iframe")];
        const texts = frames.map((frame) => frame.contentDocument?.body?.textContent);
        const marks = new Set(texts.map((text) => /mark (\\d+)\\./.exec(text)?.[1]));
        return marks.size === count && !marks.has(undefined);
    }"""
    await mailbox.page.wait_for_function(shown, arg=len(vectors))
    return mailbox


async def test_what_the_sanitiser_would_miss_is_stopped_by_the_frame(
    open_screen: OpenScreen, ann: Member
) -> None:
    await ann.deliver(make_html_mail("Harmless", "<p>mark</p>"))
    screen = await open_screen()
    screen.expect_problem("(?i)script|sandbox|policy|refused|violates|/web/x")
    mailbox = await log_in(screen, ann)
    attack = (
        "<p>mark</p><script>top.ran = 1; alert(1)</script><img src=x onerror='top.ran = 2; alert(2)'>"
        "<a href='javascript:top.ran=3'>link</a><svg onload='top.ran = 4'></svg>"
        "<iframe srcdoc='<script>top.ran = 5</script>'></iframe>"
        "<form action='/api/v1/logout'><button>go</button></form>"
        "<meta http-equiv=refresh content='0;url=https://evil.example/'>"
    )

    async def answer(route: Route, _: Request) -> None:
        response = await route.fetch()
        body = await response.json()
        await route.fulfill(
            response=response, json={**body, "data": base64.b64encode(attack.encode()).decode()}
        )

    # As if the server had let everything through.
    await mailbox.page.route("**/body?*", answer)
    await mailbox.open("Harmless")
    await expect(mailbox.body.get_by_text("mark")).to_be_visible()
    await mailbox.body.get_by_text("link").click()
    await mailbox.page.wait_for_timeout(300)
    assert await ran(mailbox) == []
    assert not [problem for problem in screen.problems if problem.startswith(("dialog", "request"))]
    assert "Postroom" in await mailbox.page.title()


async def test_an_attached_page_asks_for_nothing(open_screen: OpenScreen, ann: Member) -> None:
    """Whoever opens it is told to nobody; its own styles stand, and pictures that are opened are seen."""
    attack = (
        "<style>@import 'https://tracker.example/a.css'; p { color: rgb(1, 2, 3) }</style>"
        "<link rel=stylesheet href='https://tracker.example/b.css'><img src='https://tracker.example/c.png'>"
        "<p style='background: url(https://tracker.example/d.png)'>mark</p><video src='https://tracker.example/e'>"
        "</video><iframe src='https://tracker.example/f'></iframe><object data='https://tracker.example/g'></object>"
        "<meta http-equiv=refresh content='0;url=https://tracker.example/h'><script>alert(1)</script>"
    )
    picture = make_picture(width=64, height=48)
    files = (("text/html", "page.html", attack.encode()), ("image/jpeg", "boat.jpg", picture))
    await ann.deliver(make_mail(subject="Files", attachments=files))
    screen = await open_screen()
    screen.expect_problem("(?i)script|policy|favicon|violates|refused|sandbox|tracker")
    mailbox = await log_in(screen, ann)
    await mailbox.open("Files")
    asked: list[str] = []

    async def answer(route: Route, request: Request) -> None:
        # What a policy keeps back is told as a request too, but does not come this far.
        asked.append(request.url)
        await route.abort()

    await mailbox.page.context.route("https://tracker.example/**", answer)
    async with mailbox.page.context.expect_page() as opened:
        await mailbox.reading.get_by_role("link").filter(has_text="page.html").click()
    page = await opened.value
    mark = page.get_by_text("mark")
    await expect(mark).to_be_visible()
    await expect(mark).to_have_css("color", "rgb(1, 2, 3)")
    await page.wait_for_timeout(300)
    assert asked == []
    async with mailbox.page.context.expect_page() as opened:
        await mailbox.reading.get_by_role("link", name=re.compile("^boat.jpg")).click()
    await (await opened.value).wait_for_function("() => document.images[0]?.naturalWidth === 64")


async def test_hostile_names_everywhere(open_screen: OpenScreen, ann: Member) -> None:
    name = MARKUP.replace('"', "'")
    attachment = MARKUP.replace('"', "").replace("/", "")
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nThe text.\r\n"
        f'--b\r\nContent-Type: text/plain; name="{attachment}"\r\n'
        f'Content-Disposition: attachment; filename="{attachment}"\r\n\r\ncontent\r\n'
        '--b\r\nContent-Type: text/html; name="../../up.html"\r\n'
        'Content-Disposition: attachment; filename="../../up.html"\r\n\r\n<script>alert(1)</script>\r\n--b--\r\n'
    )
    await ann.deliver(
        make_message(
            subject=f"Subject {MARKUP}",
            from_=f'"{name}" <bea@example.org>',
            headers=[
                ("MIME-Version", "1.0"),
                ("Content-Type", "multipart/mixed; boundary=b"),
                ("Reply-To", f'"{name}" <x@example.org>'),
                ("Cc", f'"{name}" <cc@example.org>'),
            ],
            body=body,
        )
    )
    await ann.call("POST", "/folders", {"name": "<img src=x onerror=alert(1)>", "type": "mails"})
    await ann.call("POST", "/labels", {"name": "<b onclick=alert(1)>label</b>"})
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await expect(mailbox.folders.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    await expect(mailbox.folders.get_by_text("<b onclick=alert(1)>label</b>")).to_be_visible()
    await mailbox.row("Subject").click()
    await expect(mailbox.reading.get_by_role("heading", level=1)).to_contain_text("<script>")
    await expect(mailbox.body.get_by_text("The text.")).to_be_visible()
    await expect(mailbox.reading.get_by_text("up.html").first).to_be_visible()
    await screen.judge("names")
    assert await ran(mailbox) == []


async def test_hostile_addresses_of_the_client(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    for path in (
        "#/search/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "#/mail/..%2F..%2Flogout",
        "#/%3Cscript%3Ealert(1)%3C/script%3E",
        "#/../../api/v1/logout",
        "#/mail/%E0%A4%A",
    ):
        screen.expect_problem("status of 40[04]")
        await mailbox.page.goto(f"{screen.url}/{path}")
        await expect(mailbox.folder("Inbox")).to_be_visible()
    assert await ran(mailbox) == []
