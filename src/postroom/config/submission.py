"""Section ``[submission]``: where mail programs hand in what their users send (RFC 6409)."""

from collections.abc import Iterator
from dataclasses import dataclass

from postroom.config.options import check_host_or_none, check_path_or_none, option, parse_listen


def _check_addresses(texts: tuple[str, ...]) -> None:
    for text in texts:
        parse_listen(text)
    if len(set(texts)) < len(texts):
        raise ValueError("must name each address once")


@dataclass(frozen=True)
class SubmissionConfig:
    """Options of the submission server, which is off unless it is told where to listen."""

    listen: tuple[str, ...] = option(
        (),
        "Addresses where clients begin TLS with STARTTLS (RFC 3207; the usual port is 587): host:port, [ipv6]:port "
        "or unix:/path.",
        check=_check_addresses,
    )
    listen_tls: tuple[str, ...] = option(
        (),
        "Addresses where TLS comes first (RFC 8314; the usual port is 465).",
        check=_check_addresses,
    )
    certificate: str = option(
        "",
        "PEM file of the server's certificate and its chain, by its absolute path; read again when it is renewed.",
        check=check_path_or_none,
    )
    key: str = option(
        "",
        "PEM file of the certificate's key, without a password; \"\" if it is in the certificate's file.",
        check=check_path_or_none,
    )
    hostname: str = option(
        "",
        'Name that the server greets with and writes into Received; "" for the name of the machine.',
        check=check_host_or_none,
    )
    max_message_bytes: int = option(
        52_428_800, "Largest message taken, announced by SIZE (RFC 1870).", unit="bytes", minimum=65_536
    )
    login_timeout_seconds: int = option(
        60, "How long a client may take from its connection to its login.", unit="seconds", minimum=1
    )
    command_timeout_seconds: int = option(
        300, "How long the server waits for the next command after that.", unit="seconds", minimum=1
    )
    data_timeout_seconds: int = option(
        600, "How long the server waits for the next piece of a message.", unit="seconds", minimum=1
    )
    max_connections: int = option(
        200, "Connections served at the same time; further ones are told to come back later.", minimum=1
    )
    max_connections_per_client: int = option(
        20, "The same for one source address; 0: no limit of its own.", minimum=0
    )

    @property
    def is_on(self) -> bool:
        """Whether the server listens anywhere."""
        return bool(self.listen or self.listen_tls)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield options that do not fit each other, with what would be right."""
        if self.is_on and not self.certificate:
            yield "certificate", "must be given where the server listens: logins need TLS"
        if any(address in self.listen_tls and not address.endswith(":0") for address in self.listen):
            yield "listen_tls", "must differ from submission.listen"
