"""The webhooks' runner put together: the domain's part, the wire shapes of messages, and HTTP."""

from contextlib import AbstractAsyncContextManager

from postroom.api.schemas.webhook_messages import render_message
from postroom.app.services import Services
from postroom.config.webhooks import WebhooksConfig
from postroom.domain.webhook_runner import WebhookRunner
from postroom.domain.webhook_turns import Channel, Sender


class LazySender:
    """Loads what it takes to send by HTTP when the first hook is due."""

    def __init__(self, config: WebhooksConfig) -> None:
        self._config = config
        self._sender: Sender | None = None

    def open(self, url: str) -> AbstractAsyncContextManager[Channel]:
        """Open a way to a receiver for the time of a block."""
        if self._sender is None:
            # Most servers have no webhooks: they need not pay for the HTTP client and its certificates.
            from postroom.app.webhook_http import HTTPSender  # noqa: PLC0415

            self._sender = HTTPSender(allow_private=self._config.allow_private)
        return self._sender.open(url)


def make_webhook_runner(services: Services, config: WebhooksConfig) -> WebhookRunner:
    """Return the runner of a server's process."""
    domain = services.domain
    sender = LazySender(config)
    return WebhookRunner(
        services.store, domain.webhooks, sender=sender, render=render_message, news=domain.news
    )
