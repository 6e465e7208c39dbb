"""Section ``[webhooks]``: which addresses hooks may call."""

from dataclasses import dataclass

from postroom.config.options import option


@dataclass(frozen=True)
class WebhooksConfig:
    """Options of webhooks."""

    allow_private: bool = option(False, "Hooks may call private and loopback addresses.")
