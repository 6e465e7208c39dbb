"""The outgoing queue as the server runs it: from the store over real sockets to a relay."""

import asyncio
from pathlib import Path

from prometheus_client.registry import Collector
from tests.fixtures.factories import CHEAP_AUTH, Owner, make_message
from tests.protocol.smtp_peer import SMTPPeer, smtp_peer
from tests.store.queue_world import QueueWorld

from postroom.app.queue import running_queue
from postroom.app.services import open_services
from postroom.config.relay import RelayConfig
from postroom.config.root import Config
from postroom.domain.clock import Clock
from postroom.domain.directory import AccountSettings, Directory

SECONDS = 10
RELAYED = ("postroom_queue_outcomes_total", "relayed")


def make_config(folder: Path, peer: SMTPPeer) -> Config:
    relay = RelayConfig(host="127.0.0.1", port=peer.port, tls="none")
    return Config(data_dir=folder, auth=CHEAP_AUTH, relay=relay)


def read(metrics: Collector) -> dict[tuple[str, ...], float]:
    """Return the figures by name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in metrics.collect()
        for sample in metric.samples
    }


async def test_mail_leaves(tmp_path: Path) -> None:
    async with smtp_peer() as peer:
        config = make_config(tmp_path, peer)
        taken = asyncio.Event()
        peer.on_taken = lambda _: taken.set()
        async with open_services(config) as services, running_queue(config, services) as metrics:
            directory = Directory(services.store, services.hasher, config.classes)
            await directory.add_domain("example.test")
            account = await directory.add_account("anna@example.test", AccountSettings(password="secret"))
            owner = Owner(services.store, services.domain, account, "secret")
            world = QueueWorld(services.store, clock=Clock())
            number = await world.send(
                owner,
                ["berta@other.test", "carl@third.test"],
                raw=make_message(subject="Out", headers=[("Bcc", "carl@third.test")]),
                has_relay=True,
            )
            async with asyncio.timeout(SECONDS):
                await taken.wait()
                # The figures are the last to know of it.
                while not (samples := read(metrics)).get(RELAYED):  # noqa: ASYNC110 (it is another one that works)
                    await asyncio.sleep(0.01)
            assert await world.groups(number) == []
            assert await world.states(number) == ["relayed", "relayed"]
        [mail] = peer.taken
        assert mail.recipients == ["berta@other.test", "carl@third.test"]
        assert mail.sender == "anna@example.test"
        assert mail.content == make_message(subject="Out")
        assert samples["postroom_queue_attempts_total",] == 1
        assert samples["postroom_queue_held",] == 0
        assert samples[RELAYED] == 2
