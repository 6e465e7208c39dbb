"""What the client is served with: policies, what makes it installable, and what is kept of it without a network."""

import json

from playwright.async_api import expect

from tests.browser.conftest import OpenScreen
from tests.browser.holding import hold_answers
from tests.browser.mailbox import fill_in_login, log_in
from tests.browser.site import PASSWORD, Member, Site
from tests.fixtures.factories import make_message

SHELL = {"/", "/manifest.webmanifest"}


async def test_it_can_be_installed(open_screen: OpenScreen) -> None:
    screen = await open_screen()
    session = await screen.page.context.new_cdp_session(screen.page)
    found = await session.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert manifest["name"]
    assert manifest["display"] == "standalone"
    sizes = {icon["sizes"] for icon in manifest["icons"]}
    assert sizes >= {"192x192", "512x512"}
    for icon in manifest["icons"]:
        response = await screen.page.context.request.get(f"{screen.url}{icon['src']}")
        assert response.ok
        assert response.headers["content-type"] == icon["type"]


async def test_only_the_shell_is_kept(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_message(subject="Letter", body="Nobody else may read this.\r\n"))
    screen = await open_screen()
    await screen.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    await screen.page.reload()
    mailbox = await log_in(screen, ann)
    await mailbox.open("Letter")
    await expect(mailbox.body.get_by_text("Nobody else")).to_be_visible()
    kept = await screen.page.evaluate(
        """async () => {
            const found = [];
            for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const request of await cache.keys()) found.push(new URL(request.url).pathname);
            }
            return found;
        }"""
    )
    assert "/" in kept
    assert any(path.startswith("/web/js/") for path in kept)
    assert [path for path in kept if not path.startswith("/web/") and path not in SHELL] == []


async def test_a_full_disk_keeps_nobody_out(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    page = screen.page
    await page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    session = await page.context.new_cdp_session(page)
    await session.send("Storage.overrideQuotaForOrigin", {"origin": screen.url, "quotaSize": 1})
    # What is there is asked for again, and cannot be kept.
    await page.reload()
    await log_in(screen, ann)


async def test_each_file_is_kept_once(open_screen: OpenScreen) -> None:
    screen = await open_screen()
    page = screen.page
    await page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    for number in range(3):
        await page.goto(f"{screen.url}/?number={number}")
        await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    kept = "async () => (await (await caches.open('postroom-shell-1')).keys()).map((one) => one.url)"
    urls = await page.evaluate(kept)
    assert f"{screen.url}/" in urls
    assert not [url for url in urls if "?" in url]


async def test_without_a_network_it_opens(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    await screen.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    await screen.page.reload()
    await log_in(screen, ann)
    screen.expect_problem("ERR_INTERNET_DISCONNECTED|Failed to fetch")
    await screen.page.context.set_offline(offline=True)
    await screen.page.reload()
    await expect(screen.page.get_by_text("The server cannot be reached.").first).to_be_visible()
    await screen.judge("offline")
    await screen.page.context.set_offline(offline=False)
    await screen.page.get_by_role("button", name="Try again").click()
    await expect(screen.page.get_by_role("navigation", name="Folders")).to_be_visible()


COUNTED_STREAMS = """
window.streams = [];
const { EventSource } = window;
window.EventSource = class extends EventSource {
  constructor(...given) { super(...given); window.streams.push(this); }
};
"""
"""Keeps the streams that a page opens."""
HELD_TICKETS = hold_answers("/events/ticket", at_once=True)
"""No stream opens before the tickets are let go."""


async def test_one_stream_is_open(open_screen: OpenScreen, ann: Member) -> None:
    """Also where the network comes back while a stream is being opened."""
    screen = await open_screen()
    page = screen.page
    await page.add_init_script(COUNTED_STREAMS)
    await page.add_init_script(HELD_TICKETS)
    await page.reload()
    await log_in(screen, ann)
    await page.wait_for_function("() => window.heldBack === 1")
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.wait_for_function("() => window.heldBack === 2")
    await page.evaluate("letGo()")
    await page.wait_for_function(
        "() => window.streams.length === 2 && window.streams.some((one) => one.readyState === EventSource.OPEN)"
    )
    open_streams = "() => window.streams.filter((one) => one.readyState !== EventSource.CLOSED).length"
    assert await page.evaluate(open_streams) == 1


async def test_what_comes_before_the_stream_is_shown(open_screen: OpenScreen, ann: Member) -> None:
    """A list that was fetched before the first change is told lacks what came in between."""
    screen = await open_screen()
    page = screen.page
    await page.add_init_script(HELD_TICKETS)
    await page.reload()
    mailbox = await log_in(screen, ann)
    await page.wait_for_function("() => window.heldBack === 1")
    await expect(mailbox.page.get_by_text("0 conversations")).to_be_visible()
    await ann.deliver(make_message(subject="In between"))
    await page.evaluate("letGo()")
    await expect(mailbox.row("In between")).to_be_visible()
    await mailbox.expect_unread("Inbox", 1)


WATCHED_INBOX = """
window.watchInbox = () => {
  const look = () => {
    for (const link of document.querySelectorAll("pr-folders a")) {
      if (link.textContent.startsWith("Inbox")) seen.add(link.textContent);
    }
  };
  const seen = window.seen = new Set();
  look();
  const all = { childList: true, subtree: true, characterData: true };
  new MutationObserver(look).observe(document.querySelector("pr-folders"), all);
};
"""
"""Keeps what the Inbox shows beside the list, from ``watchInbox`` on."""


async def test_an_earlier_answer_changes_no_count(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    page = screen.page
    await page.add_init_script(hold_answers("/folders[?]"))
    await page.add_init_script(WATCHED_INBOX)
    await page.reload()
    mailbox = await log_in(screen, ann)
    await page.evaluate("() => { window.isHolding = true; }")
    await ann.call("POST", "/folders", {"name": "New"})
    await page.wait_for_function("() => window.heldBack > 0")
    await ann.deliver(make_message())
    await mailbox.expect_unread("Inbox", 1)
    await page.evaluate("() => { watchInbox(); window.isHolding = false; letGo(); }")
    await expect(mailbox.folder("New")).to_be_visible()
    await mailbox.expect_unread("Inbox", 1)
    # Its name, the figure, and what screen readers say of it.
    assert await page.evaluate("[...window.seen]") == ["Inbox11 unread"]


async def test_an_answer_for_who_has_left_is_not_shown(
    open_screen: OpenScreen, site: Site, ann: Member
) -> None:
    ben = await site.add_account()
    await ann.call("POST", "/folders", {"name": "Only for Ann"})
    screen = await open_screen()
    page = screen.page
    await page.add_init_script(hold_answers("/folders[?]"))
    await page.reload()
    mailbox = await log_in(screen, ann)
    await expect(mailbox.folder("Only for Ann")).to_be_visible()
    await page.evaluate("() => { window.isHolding = true; }")
    await ann.call("POST", "/folders", {"name": "New"})
    await page.wait_for_function("() => window.heldBack > 0")
    await page.get_by_role("button", name=f"Account: {ann.address}").click()
    await page.get_by_role("menuitem", name="Log out").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await page.evaluate("""async () => {
      const { state } = await import("/web/js/state.js");
      window.seen = new Set();
      state.watch(["folders"], () => { for (const { name } of state.get("folders")) window.seen.add(name); });
      window.isHolding = false;
    }""")
    await fill_in_login(page, ben.address, PASSWORD)
    await page.evaluate("letGo()")
    await expect(mailbox.folder("Inbox")).to_be_visible()
    seen = await page.evaluate("[...window.seen]")
    assert "Inbox" in seen
    assert "Only for Ann" not in seen
    await ben.close()


async def test_what_is_missed_is_caught_up(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    screen.expect_problem("ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|Failed to fetch")
    await screen.page.context.set_offline(offline=True)
    await screen.page.wait_for_function("() => !navigator.onLine")
    await ann.deliver(make_message(subject="Meanwhile"))
    await screen.page.context.set_offline(offline=False)
    await expect(mailbox.row("Meanwhile")).to_be_visible()
    await mailbox.expect_unread("Inbox", 1)
