"""What all reports about mail are made of (RFC 3462): a text for people, fields for programs, the message itself.

Addresses beyond ASCII are written in the ASCII form of RFC 6533 §3 (``utf-8; \\x{FC}ser@…``), so that a report is an
ordinary one for every reader.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from postroom.compose.addresses import Address, check_address, render_addresses
from postroom.compose.fields import LONGEST_WORD_CHARS, render_date, render_text, render_tokens
from postroom.compose.message import join_message, read_message_id, render_thread
from postroom.compose.parts import Boundaries, Part, multipart, text_part

_UNSAFE = re.compile(r"[^!-*,-<>-\[\]-~]")
_UNPRINTABLE = re.compile(r"[^ -~]+")
_TOKEN = re.compile(rf"[^ ]{{1,{LONGEST_WORD_CHARS}}}")
_MAX_VALUE_CHARS = 2000


class Heading(NamedTuple):
    """The header of a report; ``message_id`` is its own, ``date`` in Unix seconds."""

    from_: Address
    to: tuple[Address, ...]
    subject: str
    message_id: str
    date: int
    in_reply_to: str = ""
    references: tuple[str, ...] = ()


class Contents(NamedTuple):
    """What is in a report: the text, the fields for programs in blocks, and what is given back of the message."""

    report_type: str
    text: str
    blocks: Sequence[Sequence[tuple[str, str]]]
    returned: Part | None


def join_report(heading: Heading, contents: Contents) -> bytes:
    """Return a report as a message."""
    report_type = contents.report_type
    parts = [text_part(contents.text, "plain"), _fields_part(report_type, contents.blocks)]
    if contents.returned is not None:
        parts.append(contents.returned)
    boundaries = Boundaries(heading.message_id)
    body = multipart(boundaries, "report", parts, parameters=f"; report-type={report_type}")
    return join_message(_header(heading), body)


def render_typed_address(address: str) -> str:
    """Return an address with its type, as the fields of reports have it (RFC 3464 §2.1.2, RFC 6533 §3)."""
    if address.isascii():
        return f"rfc822; {address}"
    return f"utf-8; {_UNSAFE.sub(_escape, address)}"


def _escape(match: re.Match[str]) -> str:
    return f"\\x{{{ord(match[0]):X}}}"


def one_line(text: str) -> str:
    """Return a text of others (a server's answer) fit for a field: ASCII, on one line, not too long."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())[:_MAX_VALUE_CHARS]


def _header(heading: Heading) -> str:
    to = tuple([check_address(address, parameter="to") for address in heading.to])
    return "".join(
        (
            f"Date: {render_date(heading.date)}\r\n",
            render_tokens(
                "From", render_addresses("From", (check_address(heading.from_, parameter="from"),))
            ),
            render_tokens("To", render_addresses("To", to)),
            f"Message-ID: {read_message_id(heading.message_id)}\r\n",
            *render_thread(heading.in_reply_to, heading.references),
            render_text("Subject", heading.subject),
            "Auto-Submitted: auto-replied\r\n",
        )
    )


def _fields_part(report_type: str, blocks: Iterable[Sequence[tuple[str, str]]]) -> Part:
    body = "\r\n".join("".join(_render_field(name, value) for name, value in block) for block in blocks)
    head = f"Content-Type: message/{report_type}\r\nContent-Transfer-Encoding: 7bit\r\n"
    data = body.encode("ascii")
    return Part(head, (data,), (data,))


def _render_field(name: str, value: str) -> str:
    return render_tokens(name, _TOKEN.findall(one_line(value)))
