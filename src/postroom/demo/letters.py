"""How a demonstration mail is described, and how it becomes a raw message.

Composing is the standard library's (``email`` with ``policy.SMTP``: CRLF, RFC 2047 and 2231 where needed); this
module adds what all mails of the demonstration share: people, Message-IDs that never change (so that a delivery
can be repeated without doubling), and dates counted back from now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

PEOPLE = {
    "maria": ("María Álvarez", "maria.alvarez@northside.example"),
    "tom": ("Tom Whitfield", "tom@whitfield.example"),
    "jun": ("Jun Okabe", "jun.okabe@northside.example"),
    "lena": ("Lena Brückner", "lena.brueckner@studio-acht.example"),
    "amir": ("Amir Haddad", "amir@haddad.example"),
    "sofia": ("Sofia Petrova", "sofia.petrova@northside.example"),
    "noor": ("Noor van Dijk", "noor@vandijk.example"),
    "greg": ("Greg O’Malley", "greg.omalley@harbour-choir.example"),
    "ines": ("Inês Carvalho", "ines@carvalho.example"),
    "paul": ("Paul Ferrand", "paul.ferrand@atelier-ferrand.example"),
}
"""Who writes to the demonstration account; every domain is reserved for examples (RFC 2606)."""

OWNER_NAME = "Robin Demo"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


@dataclass(kw_only=True)
class Letter:
    """One mail before it is composed. ``age_seconds`` is how long ago it was written.

    ``key`` is unique and makes the Message-ID. ``sender`` is a name of ``PEOPLE`` or a pair of name and address.
    ``answers`` are the keys of the mails it follows, oldest first. ``message`` is a prepared body, else ``text``
    (and ``html`` beside it) are used. ``raw`` replaces everything, for what no composer would write.
    """

    key: str
    sender: str | tuple[str, str]
    subject: str
    age_seconds: float
    text: str = ""
    html: str = ""
    answers: Sequence[str] = ()
    cc: Sequence[str] = ()
    headers: Sequence[tuple[str, str]] = ()
    message: EmailMessage | None = None
    raw: bytes | None = None
    unread: bool = False
    flagged: bool = False
    detail: str = ""
    charset: str = "utf-8"
    attachments: Sequence["File"] = ()


@dataclass(frozen=True)
class File:
    """An attachment; with ``content_id`` it is shown inside the HTML."""

    name: str
    content_type: str
    data: bytes
    content_id: str = ""


def message_id(key: str) -> str:
    """Return the Message-ID of the mail with this key."""
    return f"<{key}@mail.demo.example>"


def find_person(sender: str | tuple[str, str]) -> tuple[str, str]:
    """Return display name and address of a sender."""
    return PEOPLE[sender] if isinstance(sender, str) else sender


def compose(letter: Letter, *, to: str, now: datetime, to_name: str = OWNER_NAME) -> bytes:
    """Return the raw message (RFC 5322) of ``letter``, addressed to ``to`` and dated ``now`` (aware)."""
    if letter.raw is not None:
        return letter.raw
    message = letter.message or _make_body(letter)
    name, address = find_person(letter.sender)
    # The address headers stand before the body's own, where every reader looks for them.
    own = message.items()
    for header in {header for header, _ in own}:
        del message[header]
    message["From"] = formataddr((name, address)) if name.isascii() else f"{name} <{address}>"
    message["To"] = formataddr((to_name, to))
    if letter.cc:
        message["Cc"] = ", ".join("{} <{}>".format(*find_person(one)) for one in letter.cc)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(letter.key)
    if letter.answers:
        message["In-Reply-To"] = message_id(letter.answers[-1])
        message["References"] = " ".join(map(message_id, letter.answers[-8:]))
    for header, value in [*letter.headers, *own]:
        message[header] = value
    for number, part in enumerate(message.walk()):
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            part.set_boundary(f"=_{letter.key}_{number}")
    return message.as_bytes()


def _make_body(letter: Letter) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    if letter.text or not letter.html:
        message.set_content(letter.text, charset=letter.charset)
        if letter.html:
            message.add_alternative(letter.html, subtype="html", charset=letter.charset)
    else:
        message.set_content(letter.html, subtype="html", charset=letter.charset)
    _add_inline(message, [file for file in letter.attachments if file.content_id])
    for file in letter.attachments:
        if not file.content_id:
            maintype, _, subtype = file.content_type.partition("/")
            message.add_attachment(file.data, maintype=maintype, subtype=subtype, filename=file.name)
    return message


def _add_inline(message: EmailMessage, files: Sequence[File]) -> None:
    if not files:
        return
    html = message.get_body(("html",))
    if not isinstance(html, EmailMessage):
        raise TypeError("inline files need an HTML body")
    for file in files:
        maintype, _, subtype = file.content_type.partition("/")
        html.add_related(
            file.data,
            maintype=maintype,
            subtype=subtype,
            filename=file.name,
            cid=f"<{file.content_id}>",
            disposition="inline",
        )
