"""Mails of the demonstration with something particular: files, reports, invitations, forwards, odd structure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, message_from_string
from email.message import EmailMessage
from email.policy import SMTP

from postroom.demo import files
from postroom.demo.letters import DAY, HOUR, MINUTE, File, Letter, compose, find_person

_LONG_TEXT = "".join(
    f"{number}. The {what} of the house is to be looked at every {months} months.\n"
    for number, (what, months) in enumerate(
        (
            (what, months)
            for months in (3, 6, 12)
            for what in ("roof", "boiler", "well", "fence", "lift", "cellar") * 20
        ),
        1,
    )
)
_HOSTILE_HTML = """<html><head><script>document.title = 'script ran'</script></head>
<body onload="alert('onload ran')" style="background:url(https://track.example/background.png)">
<p>You won! <a href="javascript:alert('link ran')">Click here</a> or
<a href="https://prize.example/claim">claim it here</a>.</p>
<img src="https://track.example/pixel.gif" width="1" height="1" onerror="alert('onerror ran')">
<form action="https://prize.example/steal"><input name="password" type="password"><button>Go</button></form>
<iframe src="https://prize.example/frame"></iframe>
<div style="position:fixed;top:0;left:0;width:100%">Your mailbox is full</div></body></html>
"""


def iter_specials(to: str, now: datetime) -> Iterator[Letter]:
    """Yield all of them, addressed to ``to`` and dated back from ``now``."""
    yield from _iter_with_files()
    yield from _iter_with_mixed_files()
    yield from _iter_invitations(to, now)
    yield from _iter_reports(to, now)
    yield from _iter_forwards(to, now)
    yield from _iter_marked()
    yield from _iter_odd()
    yield from _iter_without_mime(to)


def _iter_with_files() -> Iterator[Letter]:
    invoice = files.make_pdf(
        [
            "Invoice 2025-0417",
            "",
            "Six hours of drawing: 432.00 EUR",
            "Travel: 18.00 EUR",
            "",
            "Total: 450.00 EUR",
        ]
    )
    yield Letter(
        key="file-invoice",
        sender="lena",
        subject="Invoice 2025-0417",
        age_seconds=20 * MINUTE,
        text="Hello Robin,\n\nattached is the invoice for the drawings.\n\nLena\n",
        html="<p>Hello Robin,</p><p>attached is the <b>invoice</b> for the drawings.</p><p>Lena</p>",
        attachments=(File("Invoice 2025-0417.pdf", "application/pdf", invoice),),
        unread=True,
        flagged=True,
    )
    yield Letter(
        key="file-photographs",
        sender="tom",
        subject="Photographs from the lake",
        age_seconds=26 * DAY,
        text="Five of two hundred; the others when I have sorted them.\n",
        attachments=tuple(
            File(f"lake-{number}.jpg", "image/jpeg", files.make_picture(width=600 + 90 * number, height=420))
            for number in range(1, 6)
        ),
    )
    yield Letter(
        key="file-inline",
        sender="jun",
        subject="Figures of the first quarter",
        age_seconds=5 * HOUR,
        text="The chart is in the HTML version.\n",
        html='<p>The first quarter:</p><p><img src="cid:chart.1@demo.example" alt="Chart" width="480"></p>'
        '<p>And this is where I wrote it: <img src="cid:view.1@demo.example" alt="View"></p>',
        attachments=(
            File("chart.png", "image/png", files.make_chart((42, 58, 73, 66, 91)), "chart.1@demo.example"),
            File("view.jpg", "image/jpeg", files.make_picture(width=320, height=200), "view.1@demo.example"),
            File("figures.csv", "text/csv", b"month,orders\r\nJanuary,42\r\nFebruary,58\r\nMarch,73\r\n"),
        ),
        unread=True,
    )


def _iter_with_mixed_files() -> Iterator[Letter]:
    picture = files.make_picture(width=400, height=260, kind="PNG")
    archive = files.make_zip(
        [("read me.txt", b"Plans of the ground floor.\r\n"), ("plan.png", files.make_chart((10, 90)))]
    )
    yield Letter(
        key="file-archive",
        sender="paul",
        subject="Plans, all in one archive",
        age_seconds=8 * DAY,
        text="Everything in one file, as you asked.\n\nPaul\n",
        attachments=(
            File("Pläne – Erdgeschoß.zip", "application/zip", archive),
            File("sketch.png", "image/png", picture),
        ),
    )
    yield Letter(
        key="file-mixture",
        sender="ines",
        subject="A sound, a card and a text",
        age_seconds=13 * DAY,
        text="See below.\n",
        attachments=(
            File("a.wav", "audio/wav", files.make_tone()),
            File(
                "ines.vcf",
                "text/vcard",
                b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:In\xc3\xaas Carvalho\r\nEND:VCARD\r\n",
            ),
            File("日本語の名前.txt", "text/plain", "ファイル名の試験\n".encode()),
            File("notes", "application/octet-stream", bytes(range(256)) * 8),
        ),
    )


def _iter_invitations(to: str, now: datetime) -> Iterator[Letter]:
    starts_at = (now + timedelta(days=6)).replace(hour=14, minute=0, second=0, microsecond=0)
    for key, method, subject, age, sequence in (
        ("review", "REQUEST", "Invitation: review of the contract", 2 * HOUR, 0),
        ("lunch", "REQUEST", "Invitation: lunch with the choir", 3 * DAY, 0),
        ("lunch-moved", "REQUEST", "Updated invitation: lunch with the choir", 2.5 * DAY, 1),
        ("seminar", "CANCEL", "Cancelled: seminar", 10 * DAY, 1),
        ("answer", "REPLY", "Accepted: planning", 11 * DAY, 0),
    ):
        event = files.make_event(
            method=method,
            uid=f"{key.removesuffix('-moved')}@demo.example",
            summary=subject.partition(": ")[2],
            starts_at=starts_at + timedelta(hours=sequence),
            organizer=to if method == "REPLY" else find_person("sofia")[1],
            attendee=find_person("sofia")[1] if method == "REPLY" else to,
            sequence=sequence,
        )
        message = EmailMessage(policy=SMTP)
        message.set_content(f"{subject}\n\nWhen: {starts_at:%d.%m.%Y %H:%M} UTC\n")
        message.add_alternative(
            f"<p>{subject}</p><p>When: {starts_at:%d.%m.%Y %H:%M} UTC</p>", subtype="html"
        )
        message.add_alternative(event, subtype="calendar", params={"method": method})
        message.add_attachment(event, subtype="calendar", filename="invite.ics", params={"method": method})
        yield Letter(
            key=f"event-{key}",
            sender="sofia",
            subject=subject,
            age_seconds=age,
            message=message,
            unread=key == "review",
        )


_BOUNCES = (
    ("failed", "failed", "5.1.1", "smtp; 550 5.1.1 No such user"),
    ("full", "failed", "5.2.2", "smtp; 552 5.2.2 Mailbox is full"),
    ("delayed", "delayed", "4.4.1", "X-Postfix; connection timed out"),
)


def _iter_reports(to: str, now: datetime) -> Iterator[Letter]:
    system = ("Mail Delivery System", "mailer-daemon@mx.demo.example")
    original = compose(
        Letter(
            key="sent-original",
            sender=("Robin Demo", to),
            subject="Are you there?",
            age_seconds=0,
            text="Hello?\n",
        ),
        to="nobody@northside.example",
        to_name="",
        now=now - timedelta(days=3),
    )
    for key, action, status, diagnostic in _BOUNCES:
        yield Letter(
            key=f"bounce-{key}",
            sender=system,
            subject="Undelivered mail returned to sender"
            if action == "failed"
            else "Delayed mail (still being tried)",
            age_seconds={"failed": 1.2 * DAY, "full": 18 * DAY, "delayed": 3 * DAY}[key],
            message=_make_report(
                "delivery-status",
                text=f"Your message to nobody@northside.example: {action}.\n\n{diagnostic}\n",
                fields="Reporting-MTA: dns; mx.demo.example\r\n\r\n"
                "Final-Recipient: rfc822; nobody@northside.example\r\n"
                f"Action: {action}\r\nStatus: {status}\r\nDiagnostic-Code: {diagnostic}\r\n",
                original=original,
            ),
            headers=(("Auto-Submitted", "auto-replied"),),
            unread=key == "failed",
        )
    yield Letter(
        key="receipt-read",
        sender="maria",
        subject="Read: Contract, second draft",
        age_seconds=1.5 * DAY,
        message=_make_report(
            "disposition-notification",
            text="Your message was displayed. This says nothing about whether it was read.\n",
            fields=f"Final-Recipient: rfc822; {find_person('maria')[1]}\r\n"
            "Original-Message-ID: <sent-original@mail.demo.example>\r\n"
            "Disposition: manual-action/MDN-sent-manually; displayed\r\n",
            original=original,
        ),
    )


def _make_report(kind: str, *, text: str, fields: str, original: bytes) -> EmailMessage:
    """Return a multipart/report (RFC 6522): an explanation, the machine's fields, and the message meant."""
    parts = (("text/plain", text), (f"message/{kind}", fields), ("message/rfc822", original.decode("ascii")))
    body = "".join(f"--=_r\r\nContent-Type: {content_type}\r\n\r\n{part}\r\n" for content_type, part in parts)
    head = f'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type={kind}; boundary="=_r"\r\n\r\n'
    return message_from_string(f"{head}{body}--=_r--\r\n", policy=SMTP)


def _iter_forwards(to: str, now: datetime) -> Iterator[Letter]:
    inner = Letter(
        key="forwarded-offer",
        sender=("Mill Arnfeld", "rooms@mill-arnfeld.example"),
        subject="Offer for 14 rooms",
        age_seconds=0,
        text="Dear Jun,\n\n14 rooms, two nights, breakfast and supper: 2,380 EUR.\n",
        attachments=(
            File("offer.pdf", "application/pdf", files.make_pdf(["Offer", "14 rooms", "2,380 EUR"])),
        ),
    )
    raw = compose(inner, to="jun.okabe@northside.example", to_name="Jun Okabe", now=now - timedelta(days=7))
    for key, subject, count, age in (
        ("offer", "Fwd: Offer for 14 rooms", 1, 1.4 * DAY),
        ("both", "Fwd: two messages", 2, 16 * DAY),
    ):
        message = EmailMessage(policy=SMTP)
        message.set_content("As it came in.\n\nJun\n")
        for _ in range(count):
            message.add_attachment(message_from_bytes(raw, policy=SMTP), filename="Offer for 14 rooms.eml")
        yield Letter(
            key=f"forward-{key}",
            sender="jun",
            subject=subject,
            age_seconds=age,
            message=message,
            unread=key == "offer",
        )


def _iter_marked() -> Iterator[Letter]:
    receipt = ("Disposition-Notification-To", find_person("sofia")[1])
    yield Letter(
        key="odd-receipt",
        sender="sofia",
        subject="Please confirm: keys of the archive",
        age_seconds=7 * HOUR,
        text="The keys are at the reception from Monday. Please confirm that you have read this.\n",
        headers=(receipt, ("Importance", "high"), ("X-Priority", "1")),
        unread=True,
    )
    yield Letter(
        key="odd-low",
        sender="greg",
        subject="Lost: one grey scarf",
        age_seconds=14 * DAY,
        text="It is on the piano.\n",
        headers=(("Importance", "low"), ("Priority", "non-urgent")),
    )
    yield Letter(
        key="odd-hostile",
        sender=("Prize Department", "winner@prize.example"),
        subject="You won!!!",
        age_seconds=9 * HOUR,
        html=_HOSTILE_HTML,
        unread=True,
    )
    yield Letter(
        key="odd-many-recipients",
        sender="greg",
        subject="New members of the choir",
        age_seconds=24 * DAY,
        text="Please welcome our new members.\n",
        cc=("maria", "tom", "jun", "lena", "amir", "sofia", "noor", "ines", "paul"),
        headers=(("Reply-To", "Harbour Choir <everyone@harbour-choir.example>"),),
    )


def _iter_odd() -> Iterator[Letter]:
    yield Letter(
        key="odd-no-subject", sender="noor", subject="", age_seconds=17 * DAY, text="forgot the subject\n"
    )
    yield Letter(key="odd-empty", sender="tom", subject="(see subject)", age_seconds=19 * DAY, text="")
    yield Letter(
        key="odd-long-subject",
        sender="amir",
        subject="About the question whether " + "the house of the neighbour of " * 12 + "my aunt is for sale",
        age_seconds=21 * DAY,
        text="It is not.\n",
    )
    yield Letter(
        key="odd-long-text",
        sender="lena",
        subject="Rules of maintenance",
        age_seconds=23 * DAY,
        text=_LONG_TEXT,
    )


def _iter_without_mime(to: str) -> Iterator[Letter]:
    # A mail from the time before MIME, and one with 8-bit text that no header announces: both exist.
    yield Letter(
        key="odd-plain-1985",
        sender="paul",
        subject="",
        age_seconds=30 * DAY,
        raw=b"From: paul.ferrand@atelier-ferrand.example (Paul)\r\nTo: " + to.encode() + b"\r\n"
        b"Date: 1 Oct 85 10:00 EDT\r\nSubject: An old message\r\nMessage-ID: <odd-plain-1985@mail.demo.example>\r\n"
        b"\r\nNo MIME in here.\r\n",
    )
    yield Letter(
        key="odd-raw-latin1",
        sender="paul",
        subject="",
        age_seconds=31 * DAY,
        raw=b"From: Paul <paul.ferrand@atelier-ferrand.example>\r\nTo: " + to.encode() + b"\r\n"
        b"Date: Mon, 1 Jan 2024 10:00:00 +0100\r\nSubject: Caf\xe9 \xe0 la gare\r\n"
        b"Message-ID: <odd-raw-latin1@mail.demo.example>\r\n\r\nRendez-vous au caf\xe9.\r\n",
    )
