"""Section ``[filters]``: what is believed of the headers of incoming mail, and the rspamd that is asked."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from postroom.config.options import check_host, check_hosts, option


def _check_url(text: str) -> None:
    if not text:
        return
    wanted = ValueError('must be a URL such as http://127.0.0.1:11333, or ""')
    try:
        parts = urlsplit(text)
        port = parts.port
        check_host(parts.hostname or "")
    except ValueError:
        raise wanted from None
    is_plain = not parts.query and not parts.fragment and parts.username is None and parts.password is None
    if parts.scheme not in {"http", "https"} or port == 0 or not is_plain or not text.isprintable():
        raise wanted


@dataclass(frozen=True)
class FiltersConfig:
    """Options of spam filtering."""

    trusted_hosts: tuple[str, ...] = option(
        (),
        "Hosts whose Authentication-Results are believed (the authserv-id of RFC 8601).",
        check=check_hosts,
    )
    trust_spam_headers: bool = option(
        True, "Believe X-Spam-Flag, X-Spam-Status and X-Spam, as set by the mail server in front."
    )
    rspamd_url: str = option(
        "",
        'The rspamd that is asked for the score of incoming mail, such as http://127.0.0.1:11333; "" for none.',
        check=_check_url,
    )
    rspamd_learn_url: str = option(
        "",
        "The rspamd controller that is taught when somebody marks mail as spam or not spam, such as "
        'http://127.0.0.1:11334; "" for the one that is asked, which then must be a controller.',
        check=_check_url,
    )
    rspamd_password: str = option(
        "", "Password of the rspamd controller, where it asks for one.", secret=True
    )
    rspamd_timeout_ms: int = option(
        2000,
        "How long a delivery waits for the score; then it goes on without.",
        unit="milliseconds",
        minimum=10,
        maximum=10_000,
    )
    rspamd_connections: int = option(
        16, "Messages that rspamd is asked for at the same time, for each process.", minimum=1, maximum=1000
    )
    rspamd_max_message_bytes: int = option(
        8 << 20, "Larger messages are not given to rspamd.", unit="bytes", minimum=1024
    )
