"""The whole configuration. A package receives its section of it, never the whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from postroom.config.auth import AuthConfig
from postroom.config.bimi import BimiConfig
from postroom.config.blobs import BlobsConfig
from postroom.config.classes import DEFAULT_CLASS, AccountClass
from postroom.config.dkim import DKIMConfig
from postroom.config.extraction import ExtractionConfig
from postroom.config.filters import FiltersConfig
from postroom.config.http import HTTPConfig
from postroom.config.lmtp import LMTPConfig
from postroom.config.logging import LoggingConfig
from postroom.config.oidc import OIDCConfig
from postroom.config.options import about, check_host_or_none, option
from postroom.config.relay import RelayConfig
from postroom.config.retention import RetentionConfig
from postroom.config.sending import SendingConfig
from postroom.config.sms import SmsConfig
from postroom.config.store import StoreConfig
from postroom.config.submission import SubmissionConfig
from postroom.config.telemetry import TelemetryConfig
from postroom.config.webhooks import WebhooksConfig


def _default_classes() -> Mapping[str, AccountClass]:
    return MappingProxyType({DEFAULT_CLASS: AccountClass()})


@dataclass(frozen=True)
class Config:
    """All options. ``classes`` always has the key ``default``."""

    data_dir: Path = field(
        default=Path("postroom-data"),
        metadata=about(
            "Folder of all that the server keeps; a relative path starts where the configuration file is."
        ),
    )
    primary_domain: str = option(
        "", "Domain of account names that are given without one at login.", check=check_host_or_none
    )
    helpers: int = option(
        -1,
        "Processes beside the server's own that parse messages and make HTML safe, started when there is work for "
        "them; 0 for none, -1 for one less than there are processors, at most 4.",
        minimum=-1,
        maximum=64,
    )
    http: HTTPConfig = field(default_factory=HTTPConfig, metadata=about("The HTTP API."))
    lmtp: LMTPConfig = field(default_factory=LMTPConfig, metadata=about("Incoming mail."))
    submission: SubmissionConfig = field(
        default_factory=SubmissionConfig, metadata=about("Mail that mail programs send.")
    )
    store: StoreConfig = field(default_factory=StoreConfig, metadata=about("The database."))
    blobs: BlobsConfig = field(default_factory=BlobsConfig, metadata=about("Large message content."))
    auth: AuthConfig = field(default_factory=AuthConfig, metadata=about("Logins and sessions."))
    oidc: OIDCConfig = field(
        default_factory=OIDCConfig, metadata=about("Logins by an OpenID Connect provider.")
    )
    relay: RelayConfig = field(
        default_factory=RelayConfig, metadata=about("The relay for mail to other domains.")
    )
    sending: SendingConfig = field(default_factory=SendingConfig, metadata=about("Outgoing mail."))
    dkim: DKIMConfig = field(
        default_factory=DKIMConfig, metadata=about("Signatures of outgoing mail (DKIM).")
    )
    filters: FiltersConfig = field(
        default_factory=FiltersConfig, metadata=about("Filtering of incoming mail.")
    )
    extraction: ExtractionConfig = field(
        default_factory=ExtractionConfig, metadata=about("The text of attached documents, for searches.")
    )
    bimi: BimiConfig = field(default_factory=BimiConfig, metadata=about("Logos of senders (BIMI)."))
    webhooks: WebhooksConfig = field(default_factory=WebhooksConfig, metadata=about("Webhooks."))
    sms: SmsConfig = field(default_factory=SmsConfig, metadata=about("Text messages with codes."))
    retention: RetentionConfig = field(
        default_factory=RetentionConfig, metadata=about("How long history is kept.")
    )
    logging: LoggingConfig = field(default_factory=LoggingConfig, metadata=about("The log."))
    telemetry: TelemetryConfig = field(
        default_factory=TelemetryConfig, metadata=about("Traces (OpenTelemetry).")
    )
    classes: Mapping[str, AccountClass] = field(
        default_factory=_default_classes,
        metadata=about("Limits and policies of classes of accounts."),
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield options that do not fit each other, with what would be right."""
        if self.http.listen == self.lmtp.listen and not self.http.listen.endswith(":0"):
            yield "lmtp.listen", "must differ from http.listen"
