"""What the standard library builds, we read as it does: tree, headers, bodies, file names, addresses."""

import email
import re
import string
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from postroom.mime.address import parse_addresses
from postroom.mime.decode import decode_body
from postroom.mime.headers import decode_address_value, decode_value, find_header, parse_headers
from postroom.mime.parse import parse_message
from postroom.mime.structure import iter_parts, part_source
from postroom.model.mail import Part
from tests.unit.mime.messages import decode_text

# Words without surrogates, controls and exotic white space, which the standard library folds wrongly.
_CHARS = st.characters(
    codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co", "Zs", "Zl", "Zp", "Cf", "M")
)
_WORDS = st.lists(st.text(_CHARS, min_size=1, max_size=8), min_size=1, max_size=4).map(" ".join)
_TEXTS = st.lists(_WORDS, max_size=5).map(lambda lines: "".join(line + "\n" for line in lines))
_LETTERS = st.characters(codec="utf-8", categories=("L", "N"))
_FILENAMES = st.text(_LETTERS, min_size=1, max_size=30).map(lambda stem: stem + ".dat")
_ASCII_NAMES = st.lists(
    st.text(string.ascii_letters + "., ", min_size=1, max_size=8), min_size=1, max_size=3
).map(lambda words: " ".join(" ".join(words).split()))
# One word: between several encoded words of a phrase the oracle puts spaces that were not there.
_DISPLAY_NAMES = _ASCII_NAMES | st.text(_LETTERS, max_size=6)
_ADDRESSES = st.builds(
    Address,
    display_name=_DISPLAY_NAMES,
    username=st.text(string.ascii_lowercase, min_size=1, max_size=8),
    domain=st.just("example.com"),
)


@st.composite
def _leaves(draw: st.DrawFn) -> EmailMessage:
    part = EmailMessage(policy=policy.SMTP)
    if draw(st.booleans()):
        part.set_content(
            draw(_TEXTS),
            subtype=draw(st.sampled_from(["plain", "html", "calendar"])),
            charset=draw(st.sampled_from(["utf-8", "utf-16"])),
            cte=draw(st.sampled_from(["base64", "quoted-printable"])),
        )
    else:
        part.set_content(
            draw(st.binary(max_size=200)), "application", "octet-stream", filename=draw(_FILENAMES)
        )
    return part


@st.composite
def _containers(draw: st.DrawFn, children: st.SearchStrategy[EmailMessage]) -> EmailMessage:
    inside = draw(st.lists(children, min_size=1, max_size=3))
    container = EmailMessage(policy=policy.SMTP)
    if draw(st.integers(0, 4)) == 0:
        _add_headers(draw, inside[0])
        container.set_content(inside[0])
        return container
    kind = draw(st.sampled_from(["mixed", "alternative", "related", "signed"]))
    container.add_header("Content-Type", f"multipart/{kind}")
    container.set_boundary(f"boundary-{draw(st.integers(0, 10**9))}")
    for child in inside:
        container.attach(child)
    return container


def _add_headers(draw: st.DrawFn, message: EmailMessage) -> None:
    message["Subject"] = draw(_WORDS)
    message["From"] = draw(_ADDRESSES)
    message["To"] = draw(st.lists(_ADDRESSES, min_size=1, max_size=4))


@st.composite
def _messages(draw: st.DrawFn) -> bytes:
    message = draw(st.recursive(_leaves(), _containers, max_leaves=5))
    _add_headers(draw, message)
    # Without folding, in which the standard library encodes the commas between addresses.
    return message.as_bytes(policy=policy.SMTP.clone(max_line_length=None))


def _tree(part: Part) -> Any:
    return part.content_type, [_tree(child) for child in part.parts]


def _oracle_tree(message: Any) -> Any:
    children = message.get_payload() if message.is_multipart() else []
    return message.get_content_type(), [_oracle_tree(child) for child in children]


_SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@given(_messages())
@_SETTINGS
def test_built_messages_are_read_identically(raw: bytes) -> None:
    # A multipart with the boundary of one around it is broken, and each parser makes something else of it.
    boundaries = re.findall(rb'boundary="?(boundary-\d+)', raw)
    assume(len({*boundaries}) == len(boundaries))
    root = parse_message(raw)
    oracle = email.message_from_bytes(raw, policy=policy.default)
    assert _tree(root) == _oracle_tree(oracle)
    for part, other in zip(iter_parts(root), oracle.walk(), strict=True):
        source = part_source(raw, root, part)
        fields = parse_headers(source, part)
        assert [field.name for field in fields] == other.keys()
        assert part.filename == (other.get_filename() or "")
        if not part.parts:
            assert decode_body(source, part) == other.get_payload(decode=True)
        if part.content_type.startswith("text/"):
            assert decode_text(source, part).replace("\r\n", "\n") == other.get_content().replace(
                "\r\n", "\n"
            )


@given(_messages())
@_SETTINGS
def test_built_headers_are_read_identically(raw: bytes) -> None:
    root = parse_message(raw)
    oracle: Any = email.message_from_bytes(raw, policy=policy.default)
    fields = parse_headers(raw, root)
    assert decode_value(find_header(fields, "Subject") or b"") == str(oracle["Subject"]).strip()
    for name in ("From", "To"):
        value = find_header(fields, name) or b""
        expected = [(address.display_name, address.addr_spec) for address in oracle[name].addresses]
        assert parse_addresses(value) == expected
        assert parse_addresses(decode_address_value(value)) == expected
