"""Reading: the text in its frame, pictures, attachments, and what changes a mail that is open."""

import re
from pathlib import Path

from playwright.async_api import expect

from postroom.demo.files import make_pdf, make_picture
from tests.api.world import make_message as make_mail
from tests.browser.conftest import PHONE, OpenScreen
from tests.browser.holding import hold_answers
from tests.browser.mailbox import log_in
from tests.browser.site import Member
from tests.fixtures.factories import make_message

TRACKER = "https://track.example/pixel.gif"
NEWSLETTER = (
    "<table width=600 bgcolor='#ffffff'><tr><td><h1>News</h1><p>Read <a href='https://news.example/all'>all</a>.</p>"
    f"<img src='{TRACKER}' alt='Tracked' width=40 height=40></td></tr></table>"
)

PAGE, LONG = 200, 230
"""Mails of a conversation that are shown at first, and those of a long one."""


async def test_a_text_is_read(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_mail(subject="Plain", text="Dear Ann,\n\n> quoted\n\nsee https://example.org/\n"))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await mailbox.expect_unread("Inbox", 1)
    await mailbox.open("Plain")
    await expect(mailbox.body.get_by_text("Dear Ann,")).to_be_visible()
    link = mailbox.body.get_by_role("link", name="https://example.org/")
    await expect(link).to_have_attribute("target", "_blank")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    # What is opened is read.
    await mailbox.expect_unread("Inbox", 0)
    await screen.judge("plain")
    await mailbox.reading.get_by_role("button", name="More", exact=True).last.click()
    await mailbox.page.get_by_role("menuitemcheckbox", name="Details").click()
    await expect(mailbox.reading.get_by_text("bea@example.org").last).to_be_visible()
    await screen.judge("details")


async def test_styles_of_a_mail_are_kept(open_screen: OpenScreen, ann: Member) -> None:
    html = "<style>p.far { margin-left: 33px }</style><p class=far style='color: rgb(1, 2, 3)'>styled</p>"
    await ann.deliver(make_mail(subject="Styled", html=html))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await mailbox.open("Styled")
    text = mailbox.body.get_by_text("styled")
    await expect(text).to_have_css("color", "rgb(1, 2, 3)")
    await expect(text).to_have_css("margin-left", "33px")


async def test_an_open_mail_is_printed(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_mail(subject="Ticket", html="<p>Seat 12</p>"))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await mailbox.open("Ticket")
    await expect(mailbox.body.get_by_text("Seat 12")).to_be_visible()
    # What the frame itself prints, and what keeps it from that is told in the console.
    await page.evaluate(
        "() => { const view = document.querySelector('iframe').contentWindow; window.printed = [];"
        "view.addEventListener('beforeprint', () => window.printed.push(view.document.body.textContent)); }"
    )
    await mailbox.reading.get_by_role("button", name="More", exact=True).last.click()
    await page.get_by_role("menuitem", name="Print").click()
    await page.wait_for_function("() => window.printed.length")
    assert await page.evaluate("window.printed") == ["Seat 12\n"]


async def test_pictures_from_elsewhere_are_shown_when_asked_for(open_screen: OpenScreen, ann: Member) -> None:
    await ann.call("PATCH", "/account/settings", {"externalImages": "never"})
    await ann.deliver(make_mail(subject="Newsletter", html=NEWSLETTER))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await mailbox.open("Newsletter")
    await expect(mailbox.body.get_by_role("heading", name="News")).to_be_visible()
    await expect(mailbox.reading.get_by_text("Pictures from elsewhere are not shown.")).to_be_visible()
    await screen.judge("hidden")
    assert TRACKER not in screen.requested
    # Now it is right that the picture is asked for; there is no such host.
    screen.expect_problem(r"track\.example|ERR_NAME_NOT_RESOLVED")
    async with mailbox.page.expect_request(TRACKER) as asked:
        await mailbox.reading.get_by_role("button", name="Show images").click()
    await expect(mailbox.reading.get_by_text("Pictures from elsewhere are not shown.")).to_be_hidden()
    await expect(mailbox.body.get_by_role("heading", name="News")).to_be_visible()
    await expect(mailbox.body.get_by_alt_text("Tracked")).to_have_attribute("src", TRACKER)
    # Its host does not learn where it is shown.
    assert not (await (await asked.value).all_headers()).get("referer")


async def test_attachments(open_screen: OpenScreen, ann: Member, tmp_path: Path) -> None:
    picture = make_picture(width=640, height=480)
    files = (
        ("image/jpeg", "boat.jpg", picture),
        ("application/pdf", "invoice.pdf", make_pdf(["Invoice"])),
        ("text/html", "page.html", b"<script>document.title = 'ran'; alert(1)</script>text of the page"),
    )
    await ann.deliver(make_mail(subject="Files", attachments=files))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await mailbox.open("Files")
    await expect(mailbox.reading.get_by_role("heading", name="3 attachments")).to_be_visible()
    thumbnail = mailbox.reading.get_by_role("link", name=re.compile("^boat.jpg")).locator("img")
    await expect(thumbnail).to_be_visible()
    await mailbox.page.wait_for_function(
        "image => image.naturalWidth > 0", arg=await thumbnail.element_handle()
    )
    await screen.judge("list")
    async with mailbox.page.expect_download() as download:
        await mailbox.reading.get_by_role("link", name="Download boat.jpg").click()
    assert (await download.value).suggested_filename == "boat.jpg"
    await (await download.value).save_as(tmp_path / "boat.jpg")
    assert (tmp_path / "boat.jpg").read_bytes() == picture
    async with mailbox.page.expect_download() as download:
        await mailbox.reading.get_by_role("link", name="Download all").click()
    assert (await download.value).suggested_filename.endswith(".zip")
    # A page that came with a mail is shown, if at all, where it can do nothing.
    screen.expect_problem(r"(?i)script|favicon\.ico")
    async with mailbox.page.context.expect_page() as opened:
        await mailbox.reading.get_by_role("link").filter(has_text="page.html").click()
    page = await opened.value
    await page.wait_for_load_state()
    assert await page.title() != "ran"
    assert not [problem for problem in screen.problems if problem.startswith("dialog")]


async def test_pictures_that_came_with_the_mail(open_screen: OpenScreen, ann: Member) -> None:
    boundary = "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
    body = (
        "--b\r\nContent-Type: text/html\r\n\r\n<p>See:</p><img src='cid:boat@x' alt='Boat'>\r\n"
        "--b\r\nContent-Type: image/gif\r\nContent-ID: <boat@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7\r\n--b--\r\n"
    )
    head = "From: bea@example.org\r\nTo: ann@example.test\r\nSubject: Inline\r\n"
    await ann.deliver((head + boundary + body).encode())
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await mailbox.open("Inline")
    image = mailbox.body.get_by_alt_text("Boat")
    await expect(image).to_be_attached()
    await mailbox.page.wait_for_function(
        "image => image.naturalWidth === 1", arg=await image.element_handle()
    )
    # The session's id is never inside the frame, where a mail's own style could tell of it.
    assert (await image.get_attribute("src") or "").startswith("blob:")


async def test_an_open_mail_is_changed(open_screen: OpenScreen, ann: Member) -> None:
    await ann.call("POST", "/labels", {"name": "Work"})
    await ann.deliver(make_mail(subject="Letter"))
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await mailbox.open("Letter")
    await mailbox.expect_unread("Inbox", 0)
    await page.get_by_role("toolbar").get_by_role("button", name="Labels").click()
    await page.get_by_role("menuitemcheckbox", name="Work").click()
    await mailbox.expect_told("Label Work put on 1")
    await expect(mailbox.row("Letter").get_by_text("Work")).to_be_visible()
    await expect(mailbox.reading.get_by_text("Work")).to_be_visible()
    await page.get_by_role("toolbar").get_by_role("button", name="Labels").click()
    await expect(page.get_by_role("menuitemcheckbox", name="Work")).to_be_checked()
    await page.get_by_role("menuitemcheckbox", name="Work").click()
    await expect(mailbox.row("Letter").get_by_text("Work")).to_be_hidden()
    await mailbox.row("Letter").get_by_role("button", name="Flag").click()
    await expect(mailbox.row("Flagged").get_by_role("button", name="Take off the flag")).to_be_visible()
    await expect(mailbox.reading.get_by_role("img", name="Flagged")).to_be_visible()
    await page.get_by_role("toolbar").get_by_role("button", name="Move to folder").click()
    await page.get_by_role("menuitem", name="Spam").click()
    await mailbox.expect_told("1 moved to Spam")
    await expect(mailbox.row("Letter")).to_be_hidden()
    await mailbox.undo()
    await expect(mailbox.row("Letter")).to_be_visible()


async def test_on_a_phone(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(make_mail(subject="Newsletter", html=NEWSLETTER))
    screen = await open_screen(size=PHONE)
    page = screen.page
    await page.get_by_label("Mail address").fill(ann.address)
    await page.get_by_label("Password").fill("correct horse")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("row", name="Newsletter")).to_be_visible()
    await screen.judge("list")
    await page.get_by_role("button", name="Show folders").tap()
    await expect(page.get_by_role("link", name="Trash")).to_be_in_viewport()
    await screen.judge("folders")
    await page.get_by_role("link", name="Inbox").tap()
    screen.expect_problem(r"track\.example|ERR_NAME_NOT_RESOLVED")
    await page.get_by_role("row", name="Newsletter").tap()
    await expect(page.get_by_role("heading", name="Newsletter")).to_be_visible()
    await screen.judge("mail")
    # Nothing is wider than the screen.
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("button", name="Back to the list").tap()
    await expect(page.get_by_role("row", name="Newsletter")).to_be_visible()


async def test_no_earlier_answer_comes_over_a_later_one(open_screen: OpenScreen, ann: Member) -> None:
    answer = [("References", "<long@other.test>")]
    await ann.deliver(*(make_message(subject="Re: Long", headers=answer) for _ in range(LONG)))
    [found] = (await ann.call("GET", f"/conversations?folderId={ann.inbox}"))["items"]
    await ann.call("PATCH", f"/conversations/{found['id']}", {"isUnread": False})
    screen = await open_screen()
    page = screen.page
    await page.add_init_script(hold_answers("conversations[/].*start=30(&|$)"))
    await page.reload()
    mailbox = await log_in(screen, ann)
    await mailbox.open("Long")
    articles = mailbox.reading.get_by_role("article")
    await expect(articles).to_have_count(PAGE)
    await page.evaluate("() => { window.isHolding = true; }")
    await ann.deliver(make_message(subject="Re: Long", body="The newest.\r\n", headers=answer))
    await page.wait_for_function("() => window.heldBack > 0")
    await mailbox.reading.get_by_role("button", name=f"Show {LONG - PAGE} older mails").click()
    # What is asked for now would be here before.
    await page.wait_for_timeout(500)
    await page.evaluate("letGo()")
    await expect(articles).to_have_count(LONG + 1)
    await page.wait_for_timeout(500)
    await expect(articles).to_have_count(LONG + 1)


async def test_a_long_conversation(open_screen: OpenScreen, ann: Member) -> None:
    answer = [("References", "<long@other.test>")]
    await ann.deliver(
        *(make_message(subject="Re: Long", body=f"Answer {n}.\r\n", headers=answer) for n in range(LONG))
    )
    [found] = (await ann.call("GET", f"/conversations?folderId={ann.inbox}"))["items"]
    await ann.call("PATCH", f"/conversations/{found['id']}", {"isUnread": False})
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    await mailbox.open("Long")
    articles = mailbox.reading.get_by_role("article")
    await expect(articles).to_have_count(PAGE)
    await expect(mailbox.body.get_by_text(f"Answer {LONG - 1}.")).to_be_visible()
    await expect(articles.first).to_contain_text(f"Answer {LONG - PAGE}.")
    await screen.keep("newest")
    # What comes in meanwhile is shown below, and what is above stays.
    await ann.deliver(make_message(subject="Re: Long", body="The newest.\r\n", headers=answer))
    await expect(articles).to_have_count(PAGE + 1)
    await mailbox.reading.get_by_role("button", name=f"Show {LONG - PAGE} older mails").click()
    await expect(articles).to_have_count(LONG + 1)
    await expect(articles.first).to_contain_text("Answer 0.")
    await expect(mailbox.reading.get_by_role("button", name="older mail")).to_be_hidden()
    await expect(mailbox.body.get_by_text("The newest.")).to_be_visible()
