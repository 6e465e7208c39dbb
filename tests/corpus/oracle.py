"""What the standard library's parser makes of a message, in the terms in which we compare it with ours."""

from email import message_from_bytes, policy
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from typing import Any

from postroom.mime.address import parse_addresses
from postroom.mime.decode import decode_body
from postroom.mime.headers import decode_value, find_header, parse_headers
from postroom.mime.parse import parse_message
from postroom.mime.structure import iter_parts, part_source
from postroom.model.mail import Part
from tests.unit.mime.messages import decode_text

Aspects = dict[str, Any]
_DELIVERY_STATUS = b"(the standard library does not keep what it took apart)"
_ADDRESS_FIELDS = ("From", "To", "Cc", "Reply-To")


def our_aspects(raw: bytes) -> Aspects:
    """Return tree, bodies, header names, file names, texts, subject and addresses as we read them."""
    root = parse_message(raw)
    parts = [(part, part_source(raw, root, part)) for part in iter_parts(root)]
    leaves = [(part, source) for part, source in parts if not part.parts]
    fields = parse_headers(raw, root)
    return {
        "tree": _our_tree(root),
        "bodies": [
            _DELIVERY_STATUS if part.content_type == "message/delivery-status" else decode_body(source, part)
            for part, source in leaves
        ],
        "headers": [[field.name for field in parse_headers(source, part)] for part, source in parts],
        "filenames": [part.filename for part, _ in parts],
        "texts": [
            _lines(decode_text(source, part))
            for part, source in leaves
            if part.content_type.startswith("text/")
        ],
        "subject": decode_value(find_header(fields, "Subject") or b""),
        "addresses": [
            [tuple(address) for address in parse_addresses(find_header(fields, name) or b"")]
            for name in _ADDRESS_FIELDS
        ],
    }


def oracle_aspects(raw: bytes) -> Aspects:
    """Return the same as the standard library reads it."""
    compat = message_from_bytes(raw)
    modern = message_from_bytes(raw, policy=policy.default)
    leaves = [message for message in _walk(compat) if not _children(message)]
    modern_leaves = [message for message in _walk(modern) if not _children(message)]
    return {
        "tree": _oracle_tree(compat),
        "bodies": [_payload(message) for message in leaves],
        "headers": [list(message.keys()) for message in _walk(compat)],
        "filenames": [_tolerant(message.get_filename) or "" for message in _walk(compat)],
        "texts": [
            _lines(_text(message)) for message in modern_leaves if _leaf_type(message).startswith("text/")
        ],
        "subject": _tolerant(lambda: str(modern.get("Subject", "")).strip()),
        "addresses": [_addresses(modern, name) for name in _ADDRESS_FIELDS],
    }


def _our_tree(part: Part) -> Any:
    return (
        (part.content_type, [_our_tree(child) for child in part.parts]) if part.parts else part.content_type
    )


def _oracle_tree(message: Any) -> Any:
    children = _children(message)
    if children:
        return message.get_content_type(), [_oracle_tree(child) for child in children]
    return _leaf_type(message)


def _leaf_type(message: Any) -> str:
    # A multipart without parts is text/plain to us: shown as it stands (RFC 2046 demands at least one part).
    kind = message.get_content_type()
    return "text/plain" if kind.startswith("multipart/") else kind


def _children(message: Any) -> list[Any]:
    # The standard library makes a message of each block of a delivery status; to us it is a leaf (RFC 3464).
    if not message.is_multipart() or message.get_content_type() == "message/delivery-status":
        return []
    return list(message.get_payload())


def _walk(message: Any) -> list[Any]:
    return [message, *(below for child in _children(message) for below in _walk(child))]


def _payload(message: Any) -> Any:
    if message.get_content_type() == "message/delivery-status":
        return _DELIVERY_STATUS
    return message.get_payload(decode=True)


def _text(message: EmailMessage) -> str:
    if message.get_content_maintype() == "multipart":
        return str(message.get_payload())
    return str(_tolerant(message.get_content))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n")


def _addresses(message: EmailMessage, name: str) -> Any:
    def read() -> Any:
        header = message[name]
        found = header.addresses if isinstance(header, AddressHeader) else ()
        return [(address.display_name, address.addr_spec) for address in found]

    return _tolerant(read)


def _tolerant(read: Any) -> Any:
    """Return what ``read`` returns, or the name of the exception: the oracle does fail."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001  # Whatever it is, it is a difference to be listed.
        return type(error).__name__
