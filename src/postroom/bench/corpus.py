"""A deterministic corpus of realistic mail, as fast as a server can take it in.

``iter_messages(count, seed=…)`` yields the same bytes on every machine: all choices come from one
``random.Random(seed).random``, and nothing depends on the clock or on a compressor's version. A message is about
20 KB on average: short plain mails, text with an HTML alternative, newsletters, mails with attachments or inline
images, mailing lists and invitations, in ten languages and the charsets that such mail really comes in. About
four in ten answer an earlier one, with In-Reply-To, References (RFC 5322 §3.6.4) and quotes.

Algorithm: messages are joined from ready-made encoded blocks (see ``_pools``). Memory is bounded: the last
``_MAX_THREADS`` threads are remembered, and nothing else grows with ``count``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from time import gmtime

from postroom.bench import _parts
from postroom.bench._parts import Choice
from postroom.bench._pools import Person, Pool, make_blocks

CORPUS_SEED = 1
"""The seed that the benchmark uses."""

_MAX_THREADS = 400
_MAX_REFERENCES = 10
_FIRST_DATE = 1_704_096_000
_SECONDS_BETWEEN = 211
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MAILERS = (b"PostIt 5.2", b"Quill/12.1 (X11)", b"MailPad 3.0.9", b"Carrier Mobile 8", b"Webdesk 2024.6")

_SHARES_OF_NEW = (
    ("plain", 22),
    ("alternative", 22),
    ("newsletter", 34),
    ("attachment", 14),
    ("inline", 3),
    ("list", 3),
    ("invitation", 2),
)
_SHARES_OF_REPLIES = (("plain", 45), ("alternative", 38), ("attachment", 14), ("inline", 3))
_NEW_KINDS = tuple(kind for kind, share in _SHARES_OF_NEW for _ in range(share))
_REPLY_KINDS = tuple(kind for kind, share in _SHARES_OF_REPLIES for _ in range(share))


@dataclass(slots=True)
class _Thread:
    """A conversation that later messages may answer."""

    pool: Pool
    subject: bytes
    people: list[Person]
    tag: bytes = b""
    list_id: bytes = b""
    references: list[bytes] = field(default_factory=list)


def iter_messages(count: int, *, seed: int = CORPUS_SEED, to: str = "user@example.test") -> Iterator[bytes]:
    """Yield ``count`` raw messages (RFC 5322, CRLF line ends) addressed to ``to``, always the same for a seed.

    A longer run begins with the messages of a shorter one. No line is longer than 998 bytes; 8-bit lines occur.
    """
    writer = _Writer(seed, to)
    for index in range(count):
        yield writer.write(index)


def find_kind(message_id: str) -> str:
    """Return the kind of the corpus message with this Message-ID, "" if it is not one of ours.

    Kinds: ``plain``, ``alternative``, ``newsletter``, ``attachment``, ``inline``, ``list``, ``invitation``.
    """
    fields = message_id.strip("<>").split(".")
    return fields[1] if len(fields) > 2 and fields[1] in _NEW_KINDS else ""


class _Writer:
    """Writes the messages one after another; holds the random source and the threads that may go on."""

    def __init__(self, seed: int, to: str) -> None:
        blocks = make_blocks()
        self._choice = Choice(Random(seed).random, blocks)  # noqa: S311 -- the corpus is meant to be predictable
        self._pools = blocks.pools
        self._to = to.encode()
        self._threads: list[_Thread] = []

    def write(self, index: int) -> bytes:
        """Return message number ``index``; to be called with 0, 1, 2 …"""
        choice = self._choice
        thread = self._find_thread()
        kind = choice.pick(_NEW_KINDS if thread is None else _REPLY_KINDS)
        if thread is None:
            thread = self._start_thread(kind, index)
        message_id = b"<%08d.%s.%08x@%s>" % (
            index,
            kind.encode(),
            choice.number(2**32),
            choice.pick(thread.people).address.partition(b"@")[2],
        )
        parts = self._headers(thread, index, message_id)
        parts += self._content(kind, thread, index)
        self._remember(thread, message_id)
        return b"".join(parts)

    def _find_thread(self) -> _Thread | None:
        if not self._threads or self._choice.random() > 0.42:
            return None
        # Recent threads, which stand at the end, are answered more often than old ones.
        position = 1 - self._choice.random() ** 2
        return self._threads[int(position * (len(self._threads) - 1))]

    def _start_thread(self, kind: str, index: int) -> _Thread:
        choice = self._choice
        pool = choice.pick(self._pools)
        people = [choice.pick(pool.people) for _ in range(1 + choice.number(4))]
        thread = _Thread(pool, b"%s %d" % (choice.pick(pool.subjects), index % 9973), people)
        if kind == "list":
            number = choice.number(40)
            thread.tag = b"[list-%d] " % number
            thread.list_id = b"List-%d <list-%d.lists.example.org>" % (number, number)
        elif kind == "newsletter":
            thread.list_id = b"<news-%d.letters.example.com>" % choice.number(200)
        return thread

    def _remember(self, thread: _Thread, message_id: bytes) -> None:
        if not thread.references and b".newsletter." not in message_id:
            self._threads.append(thread)
            if len(self._threads) > _MAX_THREADS:
                del self._threads[0]
        thread.references.append(message_id)
        if len(thread.references) > _MAX_REFERENCES:
            # The first reference names the thread; of the others the latest count (RFC 5322 §3.6.4).
            del thread.references[1]

    def _headers(self, thread: _Thread, index: int, message_id: bytes) -> list[bytes]:
        choice = self._choice
        people = thread.people
        sender = people[choice.number(len(people))]
        date = _render_date(_FIRST_DATE + index * _SECONDS_BETWEEN + choice.number(_SECONDS_BETWEEN))
        others = [person.mailbox for person in people if person is not sender]
        domain = sender.address.partition(b"@")[2]
        parts = [
            b"Received: from out-%d.%s (out-%d.%s [192.0.2.%d])\r\n\tby mx.example.test with ESMTPS id %012X"
            b"\r\n\tfor <%s>; %s\r\n"
            % (index % 7, domain, index % 7, domain, index % 251, choice.number(2**48), self._to, date),
            b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=%s; s=s%d;\r\n"
            b"\th=from:to:subject:date:message-id; bh=%s;\r\n\tb=%s\r\n"
            % (domain, index % 3, choice.base64_text(44), b"\r\n\t ".join(choice.base64_lines(4))),
            b"From: %s\r\nTo: Robin Demo <%s>\r\n" % (sender.mailbox, self._to),
            b"Cc: %s\r\n" % b",\r\n\t".join(others) if others else b"",
            b"Subject: %s%s%s\r\n" % (b"Re: " if thread.references else b"", thread.tag, thread.subject),
            b"Date: %s\r\nMessage-ID: %s\r\n" % (date, message_id),
        ]
        parts += self._optional_headers(thread, sender, index)
        return parts

    def _optional_headers(self, thread: _Thread, sender: Person, index: int) -> Iterator[bytes]:
        choice = self._choice
        if thread.references:
            references = b"\r\n\t".join(thread.references)
            yield b"In-Reply-To: %s\r\nReferences: %s\r\n" % (thread.references[-1], references)
        if thread.list_id:
            yield b"List-Id: %s\r\nPrecedence: bulk\r\n" % thread.list_id
            yield b"List-Unsubscribe: <https://click.example.com/unsubscribe/%d>\r\n" % index
        if index % 31 == 7:
            yield b"Importance: %s\r\n" % (b"high" if choice.random() < 0.8 else b"low")
        if index % 67 == 11:
            yield b"Disposition-Notification-To: <%s>\r\n" % sender.address
        yield b"X-Mailer: %s\r\nMIME-Version: 1.0\r\n" % choice.pick(_MAILERS)

    def _content(self, kind: str, thread: _Thread, index: int) -> Sequence[bytes]:
        letter = _parts.Letter(
            pool=thread.pool,
            boundary=b"=_%08x_%06d" % (self._choice.number(2**32), index),
            reference=f"{index % 89:02d}-{self._choice.number(10**9):09d}",
            quoted=thread.people[0].name if thread.references else "",
        )
        if kind in {"plain", "list"}:
            return _parts.render_plain(letter, self._choice)
        if kind == "alternative":
            return _parts.render_alternative(letter, self._choice)
        if kind == "newsletter":
            return _parts.render_newsletter(letter, self._choice)
        if kind == "attachment":
            return _parts.render_attachments(letter, self._choice)
        if kind == "inline":
            return _parts.render_inline(letter, self._choice)
        return _parts.render_invitation(letter, self._choice, attendee=self._to)


def _render_date(unix_seconds: int) -> bytes:
    # Not strftime: its day and month names follow the locale.
    at = gmtime(unix_seconds)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    return f"{day}, {at.tm_mday} {month} {at.tm_year} {clock} +0000".encode()
