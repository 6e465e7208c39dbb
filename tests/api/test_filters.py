"""The filters of incoming mail over the API: what is set."""

from typing import Any

import pytest

from tests.api.world import User

PATH = "/api/v1/account/avas"
LISTS = ["whitelist", "blacklist"]


async def add(user: User, name: str, address: str) -> Any:
    """Put an address on a list; return the entry."""
    response = await user.client.post(f"{PATH}/{name}", json={"emailAddress": address})
    assert response.status_code == 200, response.text
    return response.json()


async def test_options(ann: User, ben: User) -> None:
    default = {"whitelistIncludeAddressBook": True, "blacklistExcludeAddressBook": True}
    assert await ann.get(PATH) == default
    response = await ann.client.patch(PATH, json={"blacklistExcludeAddressBook": False})
    assert (response.status_code, response.json()) == (200, default | {"blacklistExcludeAddressBook": False})
    response = await ann.client.patch(PATH, json={"whitelistIncludeAddressBook": False})
    assert response.json() == {"whitelistIncludeAddressBook": False, "blacklistExcludeAddressBook": False}
    assert (await ann.client.patch(PATH, json={})).json() == response.json()
    assert await ann.get(PATH) == response.json()
    assert await ben.get(PATH) == default


@pytest.mark.parametrize(
    "body", [{"whitelistIncludeAddressBook": 1}, {"blacklistExcludeAddressBook": None}, {"other": True}]
)
async def test_wrong_options(ann: User, body: dict[str, Any]) -> None:
    response = await ann.client.patch(PATH, json=body)
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": next(iter(body))})


@pytest.mark.parametrize("name", LISTS)
async def test_list(ann: User, ben: User, name: str) -> None:
    assert await ann.get(f"{PATH}/{name}") == {"totalItems": 0, "items": []}
    entries = [await add(ann, name, address) for address in ("Bea@Example.org", "@spam.test", "c@d.test")]
    assert [entry["emailAddress"] for entry in entries] == ["Bea@Example.org", "@spam.test", "c@d.test"]
    assert await ann.get(f"{PATH}/{name}") == {"totalItems": 3, "items": entries}
    assert await ann.get(f"{PATH}/{name}", start=1, limit=1) == {"totalItems": 3, "items": [entries[1]]}
    assert await ann.get(f"{PATH}/{name}", start=5) == {"totalItems": 3, "items": []}
    [other] = [one for one in LISTS if one != name]
    assert await ann.get(f"{PATH}/{other}") == {"totalItems": 0, "items": []}
    assert await ben.get(f"{PATH}/{name}") == {"totalItems": 0, "items": []}


@pytest.mark.parametrize("name", LISTS)
async def test_change_and_delete(ann: User, name: str) -> None:
    first, second = await add(ann, name, "a@example.org"), await add(ann, name, "b@example.org")
    path = f"{PATH}/{name}/{first['id']}"
    response = await ann.client.put(path, json={"emailAddress": "@example.org"})
    assert response.json() == {"id": first["id"], "emailAddress": "@example.org"}
    # Its own address is not in its way.
    assert (await ann.client.put(path, json={"emailAddress": "@EXAMPLE.org"})).status_code == 200
    response = await ann.client.put(path, json={"emailAddress": "B@example.org"})
    assert (response.status_code, response.json()["errorCode"]) == (409, "conflict")
    response = await ann.client.delete(path)
    assert (response.status_code, response.content) == (200, b"")
    assert (await ann.client.delete(path)).status_code == 404
    assert (await ann.client.put(path, json={"emailAddress": "x@example.org"})).status_code == 404
    assert (await ann.get(f"{PATH}/{name}"))["items"] == [second]
    await ann.client.delete(f"{PATH}/{name}/{second['id']}")
    # Numbers are never used twice.
    assert (await add(ann, name, "c@example.org"))["id"] not in {first["id"], second["id"]}


async def test_an_entry_belongs_to_its_list(ann: User) -> None:
    entry = await add(ann, "whitelist", "a@example.org")
    await add(ann, "blacklist", "a@example.org")
    path = f"{PATH}/blacklist/{entry['id']}"
    assert (await ann.client.delete(path)).status_code == 404
    assert (await ann.client.put(path, json={"emailAddress": "b@example.org"})).status_code == 404


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("Bea@Example.ORG", "bea@example.org"),
        ("bea@bücher.example", "BEA@xn--bcher-kva.example"),
        ("@BÜCHER.example", "@xn--bcher-kva.example"),
        ('"bea"@example.org', "bea@example.org"),
        ("ZOË@example.org", "zoe\u0308@example.org"),
    ],
)
async def test_the_same_address_is_there_once(ann: User, address: str, same: str) -> None:
    await add(ann, "whitelist", address)
    response = await ann.client.post(f"{PATH}/whitelist", json={"emailAddress": same})
    assert (response.status_code, response.json()["errorCode"]) == (409, "conflict")


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "example.org",
        "@",
        "bea@",
        "@a..b",
        "@-a.test",
        "@a b",
        "Bea <bea@example.org>",
        "<bea@example.org>",
        "a@example.org, b@example.org",
        "a@b@c.test",
        "bea@example.org\nx",
        "b\0a@example.org",
        "x" * 400 + "@example.org",
        "@" + "x." * 200 + "test",
        None,
        7,
        [],
    ],
)
async def test_wrong_addresses(ann: User, address: Any) -> None:
    for method, path in (
        ("POST", f"{PATH}/whitelist"),
        ("PUT", f"{PATH}/blacklist/{ann.account.account_id}_1"),
    ):
        response = await ann.client.request(method, path, json={"emailAddress": address})
        assert response.status_code == 400, response.text


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"start": -1}, {"start": "x"}])
async def test_wrong_pages(ann: User, query: dict[str, Any]) -> None:
    response = await ann.client.get(f"{PATH}/whitelist", params=query)
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": next(iter(query))})


async def test_a_list_is_not_endless(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.domain.filter_settings.MAX_ENTRIES", 2)
    await add(ann, "whitelist", "a@example.org")
    await add(ann, "whitelist", "b@example.org")
    response = await ann.client.post(f"{PATH}/whitelist", json={"emailAddress": "c@example.org"})
    assert (response.status_code, response.json()["errorCode"]) == (403, "notPermitted")
    await add(ann, "blacklist", "c@example.org")


async def enabled(user: User) -> list[int]:
    """Return the numbers of the filters that are on."""
    return [item["id"] for item in (await user.get(f"{PATH}/filters/onoff"))["items"] if item["enabled"]]


async def test_filters(ann: User, ben: User) -> None:
    items = (await ann.get(f"{PATH}/filters/onoff"))["items"]
    assert [item["id"] for item in items] == [1, 2, 3, 4, 5, 6]
    assert items[0] == {"id": 1, "name": "Spam score", "enabled": True}
    assert await enabled(ann) == [1, 4]
    response = await ann.client.patch(f"{PATH}/filters/onoff/2", json={"enabled": True})
    assert (response.status_code, response.content) == (200, b"")
    await ann.client.patch(f"{PATH}/filters/onoff/4", json={"enabled": False})
    await ann.client.patch(f"{PATH}/filters/onoff/4", json={"enabled": False})
    assert await enabled(ann) == [1, 2]
    assert await enabled(ben) == [1, 4]


@pytest.mark.parametrize(("number", "status"), [("0", 404), ("7", 404), ("x", 400), ("-1", 400), ("01", 400)])
async def test_filters_that_there_are_not(ann: User, number: str, status: int) -> None:
    response = await ann.client.patch(f"{PATH}/filters/onoff/{number}", json={"enabled": True})
    assert response.status_code == status


async def test_presets(ann: User) -> None:
    path = f"{PATH}/filters/onoff/preset"
    assert await ann.get(f"{path}s") == {"items": ["off", "weak", "strong"]}
    assert await ann.get(path) == {"preset": "weak"}
    for preset, numbers in (("strong", [1, 2, 3, 4, 5, 6]), ("off", []), ("weak", [1, 4])):
        response = await ann.client.post(path, json={"preset": preset})
        assert (response.status_code, response.content) == (200, b"")
        assert await ann.get(path) == {"preset": preset}
        assert await enabled(ann) == numbers
    await ann.client.patch(f"{PATH}/filters/onoff/6", json={"enabled": True})
    assert await ann.get(path) == {"preset": "custom"}
    for wrong in ("custom", "", None):
        response = await ann.client.post(path, json={"preset": wrong})
        assert (response.status_code, response.json()["details"]) == (400, {"parameter": "preset"})
    # Options and filters do not disturb each other.
    await ann.client.patch(PATH, json={"whitelistIncludeAddressBook": False})
    assert await ann.get(path) == {"preset": "custom"}


async def test_a_call_is_made_once(ann: User) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await ann.client.post(
        f"{PATH}/whitelist", json={"emailAddress": "a@example.org"}, headers=headers
    )
    again = await ann.client.post(
        f"{PATH}/whitelist", json={"emailAddress": "a@example.org"}, headers=headers
    )
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
