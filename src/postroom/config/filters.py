"""Section ``[filters]``: what is believed of the headers of incoming mail."""

from dataclasses import dataclass

from postroom.config.options import check_hosts, option


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
