"""Writing mail: new ones, answers, forwarded ones, drafts, attachments, sending now and later, and being offline."""

import asyncio
import base64
import io
import re

from PIL import Image
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import PATIENCE_MS, PHONE, OpenScreen
from tests.browser.mailbox import Mailbox, log_in
from tests.browser.site import Member
from tests.fixtures.factories import make_message

MENUS = "region"
"""A menu lies over the page, and in no landmark of it."""
DROP = """({name, type, data, event}) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const moved = new DataTransfer();
  moved.items.add(new File([bytes], name, {type}));
  const options = {bubbles: true, cancelable: true};
  document.querySelector(event === "paste" ? ".editor-text" : "pr-compose").dispatchEvent(event === "paste"
    ? new ClipboardEvent("paste", {...options, clipboardData: moved})
    : new DragEvent("drop", {...options, dataTransfer: moved}));
}"""
PASTE_HTML = """(html) => {
  const data = new DataTransfer();
  data.setData("text/html", html);
  document.querySelector(".editor-text").dispatchEvent(
    new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""


def make_picture() -> bytes:
    """Return a picture of ten by ten dots."""
    file = io.BytesIO()
    Image.new("RGB", (10, 10), "green").save(file, "PNG")
    return file.getvalue()


def letter_with_files() -> bytes:
    """Return a mail with a picture in its text and a file beside it."""
    picture = base64.b64encode(make_picture()).decode()
    return make_message(
        subject="Figures",
        headers=[("Content-Type", 'multipart/mixed; boundary="m"'), ("MIME-Version", "1.0")],
        body=(
            '--m\r\nContent-Type: multipart/related; boundary="r"\r\n\r\n'
            "--r\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
            '<p style="color: red">The <b>chart</b>:</p><img src="cid:chart@x" alt="Chart">\r\n'
            "--r\r\nContent-Type: image/png\r\nContent-ID: <chart@x>\r\n"
            "Content-Disposition: inline; filename=chart.png\r\n"
            f"Content-Transfer-Encoding: base64\r\n\r\n{picture}\r\n--r--\r\n"
            "--m\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=figures.csv\r\n\r\n"
            "1,2,3\r\n--m--\r\n"
        ),
    )


def editor(page: Page) -> Locator:
    """Where the text is written."""
    return page.get_by_role("textbox", name="Text of the mail")


async def begin(mailbox: Mailbox, to: str = "", subject: str = "", text: str = "") -> Page:
    """Begin a mail by the key for it."""
    page = mailbox.page
    await page.goto(f"{mailbox.screen.url}/#/compose")
    await expect(page.get_by_role("combobox", name="To")).to_be_focused()
    await page.get_by_role("combobox", name="To").fill(f"{to}," if to else "")
    await page.get_by_label("Subject").fill(subject)
    if text:
        await editor(page).click()
        await page.keyboard.type(text)
    return page


async def listed(member: Member, folder: int, count: int) -> list[dict[str, object]]:
    """Return the mails of a folder, as the API has them; there are so many."""
    found = await member.call("GET", f"/mails?folderId={member.owner.account_id}_{folder}")
    assert found["totalItems"] == count
    return list(found["items"])


async def test_a_mail_is_written_sent_and_taken_back(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = await begin(mailbox, ann.address, "Lunch", "At noon, ")
    await page.keyboard.press("Control+B")
    await page.keyboard.type("sharp")
    await expect(page.get_by_text("Saved as a draft")).to_be_visible()
    await screen.judge("new")
    [draft] = await listed(ann, 3, 1)
    assert draft["subject"] == "Lunch"
    await page.get_by_role("button", name="Send", exact=True).click()
    await mailbox.expect_told("Sent.")
    await page.get_by_role("region", name="Messages").get_by_role("button", name="Undo").click()
    await expect(page).to_have_url(re.compile("draft="))
    await expect(editor(page)).to_contain_text("At noon, sharp")
    assert await editor(page).locator("b, strong").inner_text() == "sharp"
    await editor(page).focus()
    await page.keyboard.press("Control+Enter")
    await mailbox.expect_told("Sent.")
    await listed(ann, 3, 0)


async def test_it_is_sent_and_left_once(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    screen.expect_problem("status of 400")
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    for name in ("Sent", "Trash"):
        await mailbox.folder(name).click()
        await expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    trash = page.url
    may_go = asyncio.Event()

    async def hold_back(route: Route) -> None:
        async with asyncio.timeout(PATIENCE_MS / 1000):
            await may_go.wait()
        if "Refused" in str(route.request.post_data):
            await route.fulfill(status=400, json={"errorCode": "badRequest", "message": "not today"})
        else:
            await route.continue_()

    await page.route("**/mails/send?*", hold_back)
    # A key that is held down, and one pressed while the answer is awaited.
    await begin(mailbox, ann.address, "Once", "At noon")
    for _ in range(3):
        await page.keyboard.press("Control+Enter")
    await page.keyboard.press("Escape")
    await expect(page).to_have_url(trash)
    may_go.set()
    await mailbox.expect_told("Sent.")
    await expect(page.get_by_text("Sent.", exact=True)).to_have_count(1)
    await expect(page).to_have_url(trash)
    # What is refused after one has left is told all the same.
    may_go.clear()
    await begin(mailbox, ann.address, "Refused", "At one")
    async with page.expect_request("**/mails/send?*"):
        await page.keyboard.press("Control+Enter")
    await page.keyboard.press("Escape")
    await expect(page).to_have_url(trash)
    may_go.set()
    await mailbox.expect_told("not today")


async def test_what_keeps_a_mail_back(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    # A draft with an address that is none is refused, and told beside the field.
    screen.expect_problem("status of 400")
    mailbox = await log_in(screen, ann)
    page = await begin(mailbox, text="See the attached file")
    await page.keyboard.press("Control+Enter")
    alert = page.get_by_role("alert")
    await expect(alert.get_by_text("Please fill in a recipient")).to_be_visible()
    to = page.get_by_role("combobox", name="To")
    await expect(to).to_be_focused()
    await to.fill("nobody,")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(alert.get_by_text("This is not a mail address: nobody")).to_be_visible()
    await screen.judge("wrong-address")
    await to.press("Backspace")
    await to.fill(ann.address)
    await page.get_by_role("button", name="Send", exact=True).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("The mail has no subject")).to_be_visible()
    await dialog.get_by_role("button", name="Send anyway").click()
    await expect(dialog.get_by_text("speaks of an attachment")).to_be_visible()
    await dialog.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Discard").click()
    await dialog.get_by_role("button", name="Discard").click()
    await expect(editor(page)).to_be_hidden()
    await listed(ann, 3, 0)


async def test_reply_and_reply_to_all(open_screen: OpenScreen, ann: Member) -> None:
    to = f"{ann.address}, Carl <carl@example.org>"
    copies = [("Cc", "dora@example.org")]
    text = "What do you think?\r\n"
    await ann.deliver(
        make_message(subject="Plans", from_="Bea <bea@example.org>", to=to, headers=copies, body=text)
    )
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await mailbox.open("Plans")
    await page.keyboard.press("r")
    await expect(page.get_by_role("heading", name="Reply")).to_be_visible()
    await expect(page.get_by_role("group", name="To").get_by_role("listitem")).to_have_text(["Bea"])
    await expect(page.get_by_label("Subject")).to_have_value("Re: Plans")
    await expect(editor(page).locator("blockquote")).to_contain_text("What do you think?")
    await expect(editor(page)).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(mailbox.reading).to_be_visible()
    await page.keyboard.press("a")
    cc = page.get_by_role("group", name="Cc").get_by_role("listitem")
    await expect(cc).to_have_text(["Carl", "dora@example.org"])
    await page.keyboard.type("Fine.")
    await expect(page.get_by_text("Saved as a draft")).to_be_visible()
    await screen.judge("reply")
    [draft] = await listed(ann, 3, 1)
    assert draft["refwType"] == "re"


async def test_forward_takes_files_and_pictures_along(open_screen: OpenScreen, ann: Member) -> None:
    await ann.deliver(letter_with_files())
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = mailbox.page
    await mailbox.open("Figures")
    await page.keyboard.press("f")
    await expect(page.get_by_role("heading", name="Forward")).to_be_visible()
    await expect(page.get_by_role("group", name="Attachments").get_by_role("listitem")).to_contain_text(
        ["figures.csv"]
    )
    picture = editor(page).get_by_role("img", name="Chart")
    await expect(picture).to_be_visible()
    await page.wait_for_function("image => image.naturalWidth === 10", arg=await picture.element_handle())
    # The colour is kept, as a style of its own.
    assert await editor(page).locator("p", has_text="chart").evaluate("p => p.style.color") == "red"
    await page.get_by_role("combobox", name="To").fill(f"{ann.address},")
    await expect(page.get_by_text("Saved as a draft")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("group", name="Attachments").get_by_role("listitem")).to_contain_text(
        ["figures.csv"]
    )
    await expect(picture).to_be_visible()
    [draft] = await listed(ann, 3, 1)
    names = {one["name"]: one["isInline"] for one in draft["attachments"]}  # type: ignore[attr-defined]
    assert names == {"figures.csv": False, "chart.png": True}


async def test_files_by_button_drop_and_paste(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = await begin(mailbox, ann.address, "Files")
    upload = {"name": "one.txt", "mimeType": "text/plain", "buffer": b"one"}
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Attach files").click()
    await (await chooser.value).set_files(upload)  # type: ignore[arg-type]
    files = page.get_by_role("group", name="Attachments").get_by_role("listitem")
    await expect(files).to_contain_text(["one.txt"])
    data = base64.b64encode(make_picture()).decode()
    await page.evaluate(DROP, {"name": "two.png", "type": "image/png", "data": data, "event": "drop"})
    await expect(files).to_contain_text(["one.txt", "two.png"])
    await editor(page).click()
    await page.evaluate(DROP, {"name": "three.png", "type": "image/png", "data": data, "event": "paste"})
    await expect(editor(page).get_by_role("img", name="three.png")).to_be_visible()
    await page.evaluate(PASTE_HTML, "<p>bold <b>text</b><svg><b>no</b></svg><iframe></iframe></p>")
    assert "svg" not in await editor(page).evaluate("place => place.outerHTML")
    await page.get_by_role("button", name="Remove one.txt").click()
    await expect(files).to_contain_text(["two.png"])
    await expect(page.get_by_text("Saved as a draft")).to_be_visible()
    await screen.judge("files")
    [draft] = await listed(ann, 3, 1)
    names = [one["name"] for one in draft["attachments"]]  # type: ignore[attr-defined]
    assert sorted(names) == ["three.png", "two.png"]


async def test_a_mail_is_scheduled_and_stopped(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = await begin(mailbox, ann.address, "Later", "Good morning")
    await page.get_by_role("button", name="Send later").click()
    await screen.judge("schedule")
    await page.get_by_role("button", name="Tomorrow afternoon").click()
    await page.get_by_role("button", name="Schedule", exact=True).click()
    await mailbox.expect_told("Scheduled.")
    # Going back from what was written takes a moment.
    await expect(editor(page)).to_be_hidden()
    await listed(ann, 3, 0)
    await mailbox.folder("Scheduled").click()
    await mailbox.open("Later")
    # An address changes nothing: a stranger's mail may hold a link to it.
    waiting = await listed(ann, 7, 1)
    await page.evaluate("id => { location.hash = `#/compose?scheduled=${id}` }", waiting[0]["id"])
    await expect(editor(page)).to_be_visible()
    assert await listed(ann, 7, 1) == waiting
    await page.go_back()
    await mailbox.reading.get_by_role("button", name="Stop the sending and edit").click()
    await expect(editor(page)).to_contain_text("Good morning")
    await expect(page).to_have_url(re.compile("draft="))
    await listed(ann, 7, 0)


async def test_plain_text_importance_and_receipts(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    mailbox = await log_in(screen, ann)
    page = await begin(mailbox, ann.address, "Plain", "a < b")

    async def choose(name: str, role: str) -> None:
        await page.get_by_role("button", name="More").last.click()
        await page.get_by_role(role, name=name, exact=True).click()  # type: ignore[arg-type]

    await page.get_by_role("button", name="More").last.click()
    await screen.judge("menu", without=MENUS)
    await page.keyboard.press("Escape")
    await choose("Plain text", "menuitemcheckbox")
    await page.get_by_role("dialog").get_by_role("button", name="Remove formatting").click()
    await expect(page.get_by_role("toolbar")).to_be_hidden()
    await choose("High", "menuitemradio")
    await choose("Ask for a read receipt", "menuitemcheckbox")
    async with page.expect_request("**/mails/send?*") as sent:
        await page.get_by_role("button", name="Send", exact=True).click()
    body = (await sent.value).post_data_json
    assert body is not None
    assert (body["bodyText"], body["importance"], body["requestReadReceipt"]) == ("a < b", "high", True)
    assert "bodyHtml" not in body
    await mailbox.expect_told("Sent.")


async def test_recipients_are_offered(open_screen: OpenScreen, ann: Member) -> None:
    for name in ("Bea", "Ben"):
        await ann.call("POST", "/contacts", {"name": name, "email": f"{name.lower()}@example.org"})
    screen = await open_screen()
    page = await begin(await log_in(screen, ann))
    to = page.get_by_role("combobox", name="To")
    # In one go: what comes in for a letter more takes the choice back.
    await to.fill("be")
    await expect(page.get_by_role("option")).to_have_count(2)
    await screen.judge("offers")
    await to.press("ArrowDown")
    await to.press("ArrowDown")
    chosen = await page.get_by_role("option", selected=True).inner_text()
    await to.press("Enter")
    chip = page.get_by_role("group", name="To").get_by_role("listitem")
    await expect(chip).to_have_text([chosen.split("\n")[0]])
    await to.press("Backspace")
    await expect(chip).to_have_count(0)


async def test_offline_nothing_is_lost(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen()
    screen.expect_problem("ERR_INTERNET_DISCONNECTED")
    mailbox = await log_in(screen, ann)
    page = await begin(mailbox, subject="Train", text="In the tunnel")
    await expect(page.get_by_text("Saved as a draft")).to_be_visible()
    await page.context.set_offline(offline=True)
    await page.keyboard.type(", without a net")
    await expect(page.get_by_text("Not saved yet")).to_be_visible()
    await page.context.set_offline(offline=False)
    await expect(page.get_by_text("Saved as a draft")).to_be_visible()
    [draft] = await listed(ann, 3, 1)
    assert "without a net" in str(draft["snippet"])


async def test_on_a_phone_in_the_dark(open_screen: OpenScreen, ann: Member) -> None:
    screen = await open_screen(size=PHONE, dark=True)
    page = screen.page
    await page.goto(f"{screen.url}/#/compose")
    await page.get_by_label("Mail address").fill(ann.address)
    await page.get_by_label("Password").fill("correct horse")
    await page.keyboard.press("Enter")
    await expect(editor(page)).to_be_visible()
    await page.get_by_role("button", name="Cc, Bcc").click()
    await expect(page.get_by_role("combobox", name="Bcc")).to_be_visible()
    await screen.judge("compose")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
