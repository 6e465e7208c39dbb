"""The looking up of logos as a server does it: names by a name server, logos by HTTPS, both on loopback."""

import asyncio
import dataclasses

import dns.rcode
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tests.fixtures.factories import make_message
from tests.protocol.logo_host import CERTIFICATE, SVG, hosting
from tests.protocol.name_server import Zone
from tests.protocol.test_resolver import resolving

from postroom.app.bimi import LazyNames, running_bimi
from postroom.app.services import open_services
from postroom.config.bimi import BimiConfig
from postroom.config.filters import FiltersConfig
from postroom.config.root import Config
from postroom.config.sending import SendingConfig
from postroom.domain.bimi import hash_location
from postroom.domain.bimi_lookup import NoAnswerError
from postroom.domain.directory import AccountSettings, Directory
from postroom.model.envelope import Envelope

RESULTS = "mx.example.test; dmarc=pass header.from=news.example.org"


async def test_texts() -> None:
    zone: Zone = {
        ("a.example.org.", "TXT"): ['"v=BIMI1; l=https://" "a.example/"', '"other"'],
        ("b.example.org.", "A"): ["127.0.0.1"],
        ("c.example.org.", "TXT"): dns.rcode.SERVFAIL,
    }
    async with resolving(zone) as (_, server):
        host, port = server.transport.get_extra_info("sockname")
        names = LazyNames(SendingConfig(nameservers=(f"{host}:{port}",)))
        assert sorted(await names.find_texts("a.example.org")) == ["other", "v=BIMI1; l=https://a.example/"]
        assert await names.find_texts("b.example.org") == []
        assert await names.find_texts("d.example.org") == []
        assert await names.find_addresses("b.example.org", 443) == ["127.0.0.1"]
        with pytest.raises(NoAnswerError):
            await names.find_texts("c.example.org")
        with pytest.raises(NoAnswerError):
            await names.find_texts("x" * 64 + ".example.org")
        with pytest.raises(OSError, match="does not exist"):
            await names.find_addresses("d.example.org", 443)


async def test_a_server(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with hosting() as web:
        location = web.url(host="hook.test")
        zone: Zone = {
            ("hook.test.", "A"): ["127.0.0.1"],
            ("default._bimi.example.org.", "TXT"): [f'"v=BIMI1; l={location}"'],
            ("_dmarc.example.org.", "TXT"): ['"v=DMARC1; p=reject"'],
        }
        async with resolving(zone) as (_, server):
            host, port = server.transport.get_extra_info("sockname")
            config = dataclasses.replace(
                config,
                sending=SendingConfig(nameservers=(f"{host}:{port}",)),
                filters=FiltersConfig(trusted_hosts=("mx.example.test",)),
                bimi=BimiConfig(allow_private=True),
            )
            async with open_services(config) as services, running_bimi(config, services) as collector:
                directory = Directory(services.store, services.hasher, config.classes)
                await directory.add_domain("example.test")
                await directory.add_account("anna@example.test", AccountSettings(password="secret"))
                ingest = services.domain.ingest
                recipient = await ingest.resolve_recipient("anna@example.test", size_bytes=None)
                envelope = Envelope("", (recipient,), "unix", "a", False, True)
                raw = make_message(from_="a@news.example.org", headers=[("Authentication-Results", RESULTS)])
                assert await ingest.deliver(envelope, raw) == [None]
                name = hash_location(location)
                registry = CollectorRegistry()
                registry.register(collector)
                # A logo is counted once it is stored, so that what is counted can be found.
                async with asyncio.timeout(20):
                    while b'postroom_bimi_logos_total{outcome="good"} 1.0' not in generate_latest(registry):  # noqa: ASYNC110 (it has no event)
                        await asyncio.sleep(0.02)
                [logo] = await services.domain.bimi.find_logos([name])
                assert logo.data == SVG
                metrics = generate_latest(registry).decode()
    assert 'postroom_bimi_lookups_total{outcome="done"} 1.0' in metrics
    assert "postroom_bimi_waiting " in metrics
