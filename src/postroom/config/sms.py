"""Section ``[sms]``: the gateway that sends text messages, by HTTP."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from postroom.config.options import option

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}: ?[\x20-\x7e\t]{0,2000}")
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


def _check_url(text: str) -> None:
    if not text:
        return
    wanted = "must be an absolute URL with http or https"
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(wanted) from None
    if not is_good or not text.isascii() or any(char <= " " for char in text) or parts.fragment:
        raise ValueError(wanted)
    if "{" in parts.netloc:
        raise ValueError("must have {to} and {text} in its path or query alone")


def _check_headers(texts: tuple[str, ...]) -> None:
    for text in texts:
        if not _HEADER.fullmatch(text):
            raise ValueError('must be a list of headers such as "Authorization: Bearer abc"')
        if text.partition(":")[0].lower() in _OWN_HEADERS:
            raise ValueError(f"must not have {text.partition(':')[0]}, which follows from the rest")


@dataclass(frozen=True)
class SmsConfig:
    """Options of text messages."""

    url: str = option(
        "",
        "URL of the gateway; {to} stands for the number (+491701234567) and {text} for the message, in path or query "
        'alone, where they are quoted; "" for no text messages.',
        check=_check_url,
        secret=True,
    )
    method: str = option("POST", "Method of the call.", choices=("GET", "POST", "PUT"))
    headers: tuple[str, ...] = option(
        ("Content-Type: application/json",),
        "Headers of the call; the Content-Type says how the body is written.",
        check=_check_headers,
        secret=True,
    )
    body: str = option(
        '{"to": "{to}", "text": "{text}"}',
        "Body of the call, with {to} and {text}: escaped as in a JSON string where the Content-Type is JSON, quoted "
        "as in a form where it is application/x-www-form-urlencoded, else as they are; a GET has none.",
        secret=True,
    )
    timeout_seconds: int = option(10, "Time for the whole call.", unit="seconds", minimum=1, maximum=60)
    allow_private: bool = option(False, "The gateway may have a private or loopback address.")

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield options that do not fit each other, with what would be right."""
        if self.url:
            used = self.url if self.method == "GET" else self.url + self.body
            for name in ("{to}", "{text}"):
                if name not in used:
                    yield "url", f"must have {name} in it, or in sms.body"
