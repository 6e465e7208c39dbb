"""The process that is killed while it tells a hook: ``python -m tests.protocol.hook_child FOLDER SECONDS_AHEAD``.

It ends by itself when all is told, and prints the position that the hook has come to.
"""

import asyncio
import sys
import time
from pathlib import Path

from postroom.api.schemas.webhook_messages import render_message
from postroom.app.webhook_http import HTTPSender
from postroom.config.retention import RetentionConfig
from postroom.config.webhooks import WebhooksConfig
from postroom.domain.server_secrets import ServerSecrets
from postroom.domain.webhook_runner import WebhookRunner
from postroom.domain.webhooks import Webhooks
from postroom.store import open_store


async def work(folder: Path, ahead: float) -> None:
    store = await open_store("sqlite:", folder)

    def now() -> float:
        return time.time() + ahead

    config, secrets = WebhooksConfig(allow_private=True), await ServerSecrets.load(store, folder)
    webhooks = await Webhooks.open(store, config, RetentionConfig(), server_secrets=secrets, now=now)
    sender = HTTPSender(allow_private=True)
    runner = WebhookRunner(store, webhooks, sender=sender, render=render_message, now=now)
    await runner.look()
    await runner.settle()
    async with store.directory() as directory:
        [state] = await directory.webhook_work.list_after(0, limit=10)
    await store.close()
    sys.stdout.write(f"{state.is_behind}\n")


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), float(sys.argv[2])))
