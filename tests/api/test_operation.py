"""What operates the server: health, readiness, metrics, the description of the interface."""

import re

import httpx
import pytest
from openapi_spec_validator import validate
from prometheus_client import Gauge
from prometheus_client.parser import text_string_to_metric_families

from postroom.domain.health import Health
from postroom.errors import unavailable
from tests.api.world import User, World, make_message


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_health(world: World, path: str, method: str) -> None:
    assert (await world.connect().request(method, path)).status_code == 200


async def test_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: Health) -> None:
        raise unavailable("the store cannot be reached", private="password=secret")

    monkeypatch.setattr(Health, "ready", fail)
    response = await world.connect().get("/readyz")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert response.json()["errorCode"] == "unavailable"
    assert "secret" not in response.text
    assert (await world.connect().get("/healthz")).status_code == 200


def samples(response: httpx.Response) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def test_metrics(world: World, ann: User) -> None:
    Gauge("postroom_test_gauge", "Of another part.", registry=world.stats.registry).set(7)
    mail = await ann.deliver(make_message())
    before = samples(await world.connect().get("/metrics"))
    await ann.client.get("/api/v1/mails/counters")
    await ann.client.get("/api/v1/mails/counters")
    await ann.client.get(f"/api/v1/mails/{mail}")
    await ann.client.get("/nothing/here")
    await ann.client.request("BREW", "/api/v1/folders")
    after = samples(await world.connect().get("/metrics"))

    def rise(*key: str) -> float:
        return after[key] - before.get(key, 0.0)

    name = "postroom_http_requests_total"
    assert rise(name, "GET", "/api/v1/mails/counters", "200") == 2
    assert rise(name, "GET", "/api/v1/mails/{mail_id}", "200") == 1
    assert rise(name, "GET", "unmatched", "404") == 1
    assert rise(name, "other", "unmatched", "405") == 1
    assert rise("postroom_http_request_seconds_count", "/api/v1/mails/counters") == 2
    assert rise("postroom_http_request_seconds_bucket", "+Inf", "/api/v1/mails/counters") == 2
    assert after["postroom_http_requests_open",] == 1
    assert after["postroom_test_gauge",] == 7


@pytest.mark.parametrize(
    ("address", "forwarded", "status"),
    [
        ("127.0.0.1", None, 200),
        ("127.1.2.3", None, 200),
        ("::1", None, 200),
        ("::ffff:127.0.0.1", None, 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("192.0.2.1", None, 403),
        ("2001:db8::1", None, 403),
        ("", None, 403),
        ("127.0.0.1", "192.0.2.1", 403),
        ("127.0.0.1", "127.0.0.1, 192.0.2.1", 403),
        ("127.0.0.1", "nonsense", 403),
    ],
)
async def test_metrics_are_for_some(world: World, address: str, forwarded: str | None, status: int) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    response = await world.connect(address=address).get("/metrics", headers=headers)
    assert response.status_code == status
    if status == 403:
        assert response.json()["errorCode"] == "notPermitted"


async def test_openapi(world: World) -> None:
    client = world.connect()
    response = await client.get("/api/openapi.json")
    document = response.json()
    assert document["openapi"].startswith("3.1")
    validate(document)
    again = await client.get("/api/openapi.json/", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


async def test_docs_page_loads_nothing_from_outside(world: World) -> None:
    client = world.connect()
    page = await client.get("/api/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (await client.get("/api/docs/")).content == page.content
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|\bon\w+=|<style|style=", page.text)
    links = re.findall(r'(?:href|src)="([^"#]+)"', page.text)
    assert {"/api/docs/docs.css", "/api/docs/docs.js", "/api/docs/try.js", "/api/openapi.json"} <= set(links)
    for link in links:
        assert link.startswith("/api/")
        asset = await client.get(link)
        assert asset.status_code == 200
        assert asset.headers["content-type"].split(";")[0] in {
            "text/css",
            "text/javascript",
            "application/json",
        }
        if link.startswith("/api/docs/"):
            assert not re.search(r"https?://|//[a-z]+\.|innerHTML|\beval\b", asset.text)
            same = await client.get(link, headers={"If-None-Match": asset.headers["etag"]})
            assert same.status_code == 304
