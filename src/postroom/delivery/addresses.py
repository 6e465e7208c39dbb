"""Grammar of paths: ``<local-part@domain>`` as MAIL and RCPT carry it (RFC 5321 §4.1.2, §4.1.3; RFC 6531 §3.3).

Pure. Source routes (``<@relay.test:user@example.test>``) are read and dropped, as RFC 5321 §3.6.1 and appendix C
ask for. A quoted local part is brought to its shortest form, since ``"user"@example.test`` and
``user@example.test`` are one mailbox (§4.1.2). Beyond the RFC, underscores are allowed in domains, because they
occur; and a local part may be longer than 64 octets, because §4.5.3.1 asks not to limit where nothing needs it,
and reverse-paths that encode another address (VERP, SRS, BATV) are often longer. A path is at most 256 octets.
The bare ``<postmaster>`` of §4.1.1.3 is not taken: the server in front of this one completes it.
"""

import ipaddress
import re
from typing import Final

MAX_PATH_BYTES: Final = 256
_MAX_DOMAIN_BYTES: Final = 255
_MAX_LABEL_BYTES: Final = 63

_ATOM: Final = r"""[^\x00-\x20\x7f"(),.:;<>@\[\\\]]+"""
_DOT_STRING: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_PATH: Final = re.compile(
    rf"""<
    (?:@[^\x00-\x20\x7f"<>:]+:)?                     # the source route, ignored
    (?P<local>"(?:[^\x00-\x1f\x7f"\\]|\\[\x20-\x7e])*"  # Quoted-string
      |{_DOT_STRING.pattern})
    @(?P<domain>\[[0-9A-Za-z:.]+\]|[^\x00-\x20\x7f"<>@\[\]]+)
    >""",
    re.VERBOSE,
)
_LABEL_ASCII: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
_LABEL_UNICODE: Final = re.compile(r"(?!-)[A-Za-z0-9_\-\u00a1-\U0010ffff]+(?<!-)")
_QUOTED_PAIR: Final = re.compile(r"\\(.)")
_NEEDS_QUOTED_PAIR: Final = re.compile(r'(["\\])')


def parse_path(text: str) -> tuple[str, str] | None:
    """Return the mailbox and what follows the path in ``text``; None if ``text`` does not begin with a path.

    The null path ``<>`` gives the mailbox "". A mailbox may hold characters beyond ASCII: whether SMTPUTF8
    permits them is for the caller to say.
    """
    if text.startswith("<>"):
        return "", text[2:]
    match = _PATH.match(text)
    if match is None:
        return None
    local, domain = match["local"], match["domain"]
    if local[0] == '"':
        local = _shortest_local_part(local)
    mailbox = f"{local}@{domain}"
    if not is_domain(domain) or not mailbox.isprintable() or len(mailbox.encode()) > MAX_PATH_BYTES - 2:
        return None
    return mailbox, text[match.end() :]


def is_domain(domain: str) -> bool:
    """Tell whether ``domain`` is a domain name or an address literal (RFC 5321 §4.1.2, §4.1.3)."""
    if domain[:1] == "[":
        return _is_address_literal(domain)
    if len(domain.encode()) > _MAX_DOMAIN_BYTES:
        return False
    return all(_is_label(label) for label in domain.split("."))


def render_address_literal(address: str) -> str:
    """Return the address literal for an IP address, scope left out; mapped IPv4 as IPv4 (RFC 5321 §4.1.3)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        return f"[{parsed.ipv4_mapped}]" if parsed.ipv4_mapped else f"[IPv6:{parsed}]"
    return f"[{parsed}]"


def _is_label(label: str) -> bool:
    if label.isascii():
        return len(label) <= _MAX_LABEL_BYTES and _LABEL_ASCII.fullmatch(label) is not None
    return label.isprintable() and _LABEL_UNICODE.fullmatch(label) is not None


def _is_address_literal(literal: str) -> bool:
    inside = literal[1:-1]
    try:
        if inside[:5].upper() == "IPV6:":
            ipaddress.IPv6Address(inside[5:])
        else:
            ipaddress.IPv4Address(inside)
    except ValueError:
        return False
    return True


def _shortest_local_part(quoted: str) -> str:
    content = _QUOTED_PAIR.sub(r"\1", quoted[1:-1])
    if _DOT_STRING.fullmatch(content):
        return content
    return '"' + _NEEDS_QUOTED_PAIR.sub(r"\\\1", content) + '"'
