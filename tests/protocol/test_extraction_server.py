"""Attached documents, read as the server does it: behind the delivery, in a process that ends with it."""

import asyncio
from pathlib import Path

from tests.fixtures.documents import attach, make_docx, make_pdf
from tests.fixtures.factories import CHEAP_AUTH, Owner
from tests.fixtures.fulltext import find_contents

from postroom.app.extraction import ExtractionCollector, running_extraction
from postroom.app.services import Services, open_services
from postroom.config.extraction import ExtractionConfig
from postroom.config.root import Config
from postroom.domain.directory import AccountSettings, Directory

SECONDS = 20
PAPERS = attach(("a.pdf", "application/pdf", make_pdf("Zebra")), ("b.docx", "", b"PK\x03\x04 broken"))


def read_samples(metrics: ExtractionCollector) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in metrics.collect()
        for sample in metric.samples
    }


async def add_owner(services: Services, config: Config) -> Owner:
    directory = Directory(services.store, services.hasher, config.classes)
    await directory.add_domain("example.test")
    account = await directory.add_account("anna@example.test", AccountSettings(password="secret"))
    return Owner(services.store, services.domain, account, "secret")


async def until_read(owner: Owner) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            async with owner.store.peek(owner.account_id) as mailbox:
                if not await mailbox.extractions.count():
                    return
            await asyncio.sleep(0.02)


async def test_documents_are_found_soon(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, auth=CHEAP_AUTH)
    async with open_services(config) as services:
        owner = await add_owner(services, config)
        await owner.add_mail(PAPERS)
        async with running_extraction(config.extraction, services) as metrics:
            await until_read(owner)
            samples = read_samples(metrics)
        assert len(await find_contents(owner.store, owner.account_id, "zebra")) == 1
    assert samples["postroom_extraction_messages_total",] == 1
    assert samples["postroom_extraction_documents_total", "read"] == 2
    assert samples["postroom_extraction_documents_total", "killed"] == 0
    assert "postroom_extraction_waiting" in {name for name, *_ in samples}


async def test_a_restart_goes_on(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, auth=CHEAP_AUTH)
    async with open_services(config) as services:
        owner = await add_owner(services, config)
        for number in range(5):
            await owner.add_mail(attach((f"{number}.docx", "", make_docx(f"zebra {number}"))))
        async with running_extraction(config.extraction, services) as metrics:
            async with asyncio.timeout(SECONDS):
                while not read_samples(metrics)["postroom_extraction_messages_total",]:  # noqa: ASYNC110
                    await asyncio.sleep(0)
    async with open_services(config) as services:
        owner = Owner(services.store, services.domain, owner.account, owner.password)
        async with running_extraction(config.extraction, services):
            await until_read(owner)
        assert len(await find_contents(owner.store, owner.account_id, "zebra")) == 5


async def test_it_can_be_switched_off(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, auth=CHEAP_AUTH, extraction=ExtractionConfig(enabled=False))
    async with open_services(config) as services:
        owner = await add_owner(services, config)
        await owner.add_mail(PAPERS)
        async with running_extraction(config.extraction, services) as metrics:
            await until_read(owner)
            samples = read_samples(metrics)
        assert await find_contents(owner.store, owner.account_id, "zebra") == set()
        assert len(await find_contents(owner.store, owner.account_id, "papers")) == 1
    assert samples["postroom_extraction_messages_total",] == 0
