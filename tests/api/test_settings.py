"""Settings of an account, and the texts that programs keep with it."""

import base64
from typing import Any

import pytest

from postroom.config.classes import AccountClass
from postroom.config.settings import DefaultReceipts, DefaultSettings
from postroom.domain.directory import AccountSettings
from postroom.domain.settings import read_settings
from tests.api.world import PASSWORD, User, World, make_message

PATH = "/api/v1/account/settings"
DEFAULTS: dict[str, Any] = {
    "archivingPolicy": "none",
    "conversationView": True,
    "theme": "neutral",
    "deleteToTrash": True,
    "confirmMailDelete": True,
    "autoAddRecipients": True,
    "purgeTrashOnLogout": False,
    "purgeSpamOnLogout": False,
    "bodyHtmlFilteringLevel": 1,
    "language": "en",
    "timezone": "UTC",
    "dateFormat": "YYYY-MM-DD",
    "timeFormat": "hh:mm",
    "weekStartDay": 1,
    "workingDays": 62,
    "startWorkingTime": "09:00:00",
    "endWorkingTime": "17:00:00",
    "calendarType": "gregorian",
    "receipts": {
        "sendReadReceipts": "ask",
        "requestReadReceipts": False,
        "requestDeliveryReceipts": False,
    },
    "saveToSent": True,
    "pageSize": 50,
    "externalImages": "byLevel",
}
OTHERS: dict[str, Any] = {
    "archivingPolicy": "subfolderPerMonth",
    "conversationView": False,
    "theme": "ocean",
    "deleteToTrash": False,
    "confirmMailDelete": False,
    "autoAddRecipients": False,
    "purgeTrashOnLogout": True,
    "purgeSpamOnLogout": True,
    "bodyHtmlFilteringLevel": 3,
    "language": "zh-tw",
    "timezone": "Asia/Taipei",
    "dateFormat": "D.M.YY",
    "timeFormat": 'hh"h" mm"min"',
    "weekStartDay": 0,
    "workingDays": 127,
    "startWorkingTime": "00:00:00",
    "endWorkingTime": "23:59:59",
    "calendarType": "persian",
    "receipts": {
        "sendReadReceipts": "never",
        "requestReadReceipts": True,
        "requestDeliveryReceipts": True,
    },
    "saveToSent": False,
    "pageSize": 1000,
    "externalImages": "always",
}


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    settings = DefaultSettings(
        theme="breeze",
        timezone="Europe/Oslo",
        delete_to_trash=False,
        receipts=DefaultReceipts(request_read_receipts=True),
    )
    return {"default": AccountClass(), "other": AccountClass(page_size=7, settings=settings)}


async def change(user: User, **settings: Any) -> None:
    response = await user.client.patch(PATH, json=settings)
    assert (response.status_code, response.content) == (200, b""), response.text


async def test_defaults(ann: User) -> None:
    assert await ann.get(PATH) == DEFAULTS


async def test_every_setting_can_be_set(ann: User, ben: User) -> None:
    for name, value in OTHERS.items():
        await change(ann, **{name: value})
        assert (await ann.get(PATH))[name] == value
    assert await ann.get(PATH) == OTHERS
    await change(ann, **DEFAULTS)
    assert await ann.get(PATH) == DEFAULTS
    assert await ben.get(PATH) == DEFAULTS


async def test_a_part_of_the_receipts(ann: User) -> None:
    await change(ann, receipts={"sendReadReceipts": "always"})
    await change(ann, receipts={"requestReadReceipts": True}, theme="ocean")
    await change(ann, receipts={})
    receipts = {**DEFAULTS["receipts"], "sendReadReceipts": "always", "requestReadReceipts": True}
    assert await ann.get(PATH) == {**DEFAULTS, "receipts": receipts, "theme": "ocean"}


async def test_nothing_to_change(ann: User) -> None:
    await change(ann)
    assert (await ann.client.patch(PATH)).status_code == 200
    assert await ann.get(PATH) == DEFAULTS


async def test_the_other_name_of_the_first_day(ann: User) -> None:
    await change(ann, weekStartDays=6)
    assert (await ann.get(PATH))["weekStartDay"] == 6
    await change(ann, weekStartDays=3, weekStartDay=3)
    assert (await ann.get(PATH))["weekStartDay"] == 3
    response = await ann.client.patch(PATH, json={"weekStartDays": 3, "weekStartDay": 4})
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": "weekStartDays"})
    assert "weekStartDays" not in await ann.get(PATH)


BAD: list[tuple[str, Any]] = [
    ("archivingPolicy", "perYear"),
    ("conversationView", "true"),
    ("conversationView", None),
    ("theme", "Ocean"),
    ("deleteToTrash", 1),
    ("bodyHtmlFilteringLevel", 4),
    ("bodyHtmlFilteringLevel", -1),
    ("bodyHtmlFilteringLevel", 1.5),
    ("bodyHtmlFilteringLevel", True),
    ("language", "xx"),
    ("language", "EN"),
    ("timezone", "Mars/Olympus"),
    ("timezone", ""),
    ("timezone", "../UTC"),
    ("timezone", "utc"),
    ("timezone", "localtime"),
    ("timezone", "UTC\x00"),
    ("timezone", "U" * 100_000),
    ("dateFormat", "YYYY-DD-MM"),
    ("dateFormat", "YYYY-MM/DD"),
    ("dateFormat", "YYYY-MM-DD\n"),
    ("dateFormat", "MMM-D-YY"),
    ("timeFormat", "HH:mm"),
    ("timeFormat", "hh:mm PM"),
    ("weekStartDay", 7),
    ("weekStartDays", -1),
    ("workingDays", 0),
    ("workingDays", 128),
    ("startWorkingTime", "9:00:00"),
    ("startWorkingTime", "24:00:00"),
    ("endWorkingTime", "17:00"),
    ("endWorkingTime", "17:00:00\n"),
    ("endWorkingTime", "１7:00:00"),
    ("calendarType", "julian"),
    ("receipts", "ask"),
    ("receipts", None),
    ("saveToSent", 0),
    ("pageSize", 0),
    ("pageSize", 1001),
    ("pageSize", 10**30),
    ("externalImages", "sometimes"),
    ("unknown", 1),
    ("week_start_day", 1),
]


@pytest.mark.parametrize(("name", "value"), BAD)
async def test_bad_values(ann: User, name: str, value: Any) -> None:
    response = await ann.client.patch(PATH, json={"theme": "breeze", name: value})
    assert response.status_code == 400, response.text
    assert response.json()["errorCode"] == "badParameter"
    assert response.json()["details"] == {"parameter": name}
    assert await ann.get(PATH) == DEFAULTS


@pytest.mark.parametrize(
    ("receipts", "parameter"),
    [
        ({"sendReadReceipts": "maybe"}, "receipts.sendReadReceipts"),
        ({"requestReadReceipts": "no"}, "receipts.requestReadReceipts"),
        ({"requestDeliveryReceipts": None}, "receipts.requestDeliveryReceipts"),
        ({"requestReceipts": True}, "receipts.requestReceipts"),
    ],
)
async def test_bad_receipts(ann: User, receipts: dict[str, Any], parameter: str) -> None:
    response = await ann.client.patch(PATH, json={"receipts": receipts, "theme": "breeze"})
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": parameter})
    assert await ann.get(PATH) == DEFAULTS


async def test_the_tag_changes_with_the_settings(ann: User) -> None:
    tag = (await ann.client.get(PATH)).headers["etag"]
    assert (await ann.client.get(PATH, headers={"If-None-Match": tag})).status_code == 304
    await change(ann, theme="ocean")
    assert (await ann.client.get(PATH, headers={"If-None-Match": tag})).status_code == 200
    await change(ann, theme="neutral")
    assert (await ann.client.get(PATH, headers={"If-None-Match": tag})).status_code == 304


async def test_a_class_has_its_own_defaults(world: World) -> None:
    user = await world.add_account("cara@example.test", class_name="other")
    expected = {
        **DEFAULTS,
        "theme": "breeze",
        "timezone": "Europe/Oslo",
        "deleteToTrash": False,
        "pageSize": 7,
        "receipts": {**DEFAULTS["receipts"], "requestReadReceipts": True},
    }
    assert await user.get(PATH) == expected
    await change(user, theme="ocean", receipts={"sendReadReceipts": "never"})
    receipts = {**expected["receipts"], "sendReadReceipts": "never"}
    assert await user.get(PATH) == {**expected, "theme": "ocean", "receipts": receipts}


async def test_language_is_the_account_s(world: World) -> None:
    settings = AccountSettings(password=PASSWORD, language="fi")
    account = await world.directory.add_account("dora@example.test", settings)
    text = base64.b64encode(f"dora@example.test:{PASSWORD}".encode()).decode()
    user = User(world, account, world.connect(f"Basic {text}"))
    assert (await user.get(PATH))["language"] == "fi"
    await change(user, language="sv")
    assert (await user.get(PATH))["language"] == "sv"
    async with world.store.transaction(account.account_id) as tx:
        found = await read_settings(tx, {"default": AccountClass()})
    assert (found.language, found.delete_to_trash, found.archiving_policy) == ("sv", True, "none")


# What acts at once


async def test_page_size(ann: User) -> None:
    for number in range(3):
        await ann.deliver(make_message(subject=str(number)))
    query = {"folderId": ann.inbox}
    whole = await ann.client.get("/api/v1/mails", params=query)
    await change(ann, pageSize=2)
    page = await ann.client.get(
        "/api/v1/mails", params=query, headers={"If-None-Match": whole.headers["etag"]}
    )
    assert (page.status_code, len(page.json()["items"]), page.json()["totalItems"]) == (200, 2, 3)
    same = await ann.client.get("/api/v1/mails", params={**query, "limit": "2"})
    assert same.headers["etag"] == page.headers["etag"]


HTML = (
    '<div style="position:absolute;color:red"><table><tr><td><p>Hello <b>you</b></p>'
    '<img src="https://example.org/x.png"></td></tr></table></div>\n'
)


async def show(user: User, mail: str, tag: str = "", **query: Any) -> tuple[int, str, str]:
    """Return status, HTML and tag of a body."""
    response = await user.client.get(
        f"/api/v1/mails/{mail}/body", params=query, headers={"If-None-Match": tag} if tag else {}
    )
    data = response.json()["data"] if response.content else ""
    return response.status_code, base64.b64decode(data).decode(), response.headers["etag"]


@pytest.mark.parametrize(
    ("level", "images", "shown"),
    [
        (0, "byLevel", False),
        (1, "byLevel", True),
        (2, "byLevel", True),
        (3, "byLevel", False),
        (1, "never", False),
        (3, "always", True),
        (0, "always", True),
    ],
)
async def test_html_obeys_the_settings(ann: User, level: int, images: str, shown: bool) -> None:
    mail = await ann.deliver(make_message(html=HTML))
    await change(ann, bodyHtmlFilteringLevel=level, externalImages=images)
    _, data, _ = await show(ann, mail)
    assert (' src="https://example.org/x.png"' in data) is shown
    assert ("position" in data) is (level == 0)
    assert ("<b>" in data) is (level < 3)
    parts = (await ann.get(f"/api/v1/mails/{mail}/parts/details", partIds="2", convertTo="html"))["items"]
    assert base64.b64decode(parts[0]["data"]).decode() == data
    full = await ann.client.get(f"/api/v1/mails/{mail}/body/full")
    assert full.text == data
    assert ' src="https://example.org/x.png"' in (await show(ann, mail, showExternalImages="1"))[1]
    assert ' src="https://example.org/x.png"' not in (await show(ann, mail, showExternalImages="0"))[1]


@pytest.mark.parametrize("path", ["body", "body/full", "parts/details?partIds=1"])
async def test_tags_of_html_depend_on_the_settings(ann: User, path: str) -> None:
    mail = await ann.deliver(make_message(html=HTML))
    url = f"/api/v1/mails/{mail}/{path}"
    tags = set()
    for level, images in [(1, "byLevel"), (0, "byLevel"), (0, "always"), (2, "byLevel"), (1, "never")]:
        await change(ann, bodyHtmlFilteringLevel=level, externalImages=images)
        tags.add((await ann.client.get(url)).headers["etag"])
    assert len(tags) == 5
    tag = (await ann.client.get(url)).headers["etag"]
    await change(ann, theme="ocean")
    assert (await ann.client.get(url, headers={"If-None-Match": tag})).status_code == 304


# What programs keep


TEXTS = ["", "{}", "a" * 8192, "ä" * 4096, 'null \x00 \x7f \u2028 "', "😀" * 2048]


@pytest.mark.parametrize(("path", "name"), [("ui", "uiSettings"), ("client", "clientSettings")])
async def test_texts_are_kept(ann: User, ben: User, path: str, name: str) -> None:
    url = f"{PATH}/{path}"
    assert await ann.get(url) == {name: ""}
    for text in TEXTS:
        response = await ann.client.post(url, json={name: text})
        assert (response.status_code, response.content) == (200, b"")
        kept = await ann.client.get(url)
        assert kept.json() == {name: text}
        again = await ann.client.get(url, headers={"If-None-Match": kept.headers["etag"]})
        assert again.status_code == 304
    assert await ben.get(url) == {name: ""}
    await change(ann, theme="ocean")
    assert await ann.get(url) == {name: TEXTS[-1]}
    response = await ann.client.delete(url)
    assert (response.status_code, response.content) == (200, b"")
    assert await ann.get(url) == {name: ""}
    assert (await ann.client.delete(url)).status_code == 200
    assert (await ann.get(PATH))["theme"] == "ocean"


async def test_texts_do_not_disturb_each_other(ann: User) -> None:
    await ann.client.post(f"{PATH}/ui", json={"uiSettings": "one"})
    await ann.client.post(f"{PATH}/client", json={"clientSettings": "two"})
    assert await ann.get(f"{PATH}/ui") == {"uiSettings": "one"}
    assert await ann.get(f"{PATH}/client") == {"clientSettings": "two"}
    assert await ann.get(PATH) == DEFAULTS


@pytest.mark.parametrize(("path", "name"), [("ui", "uiSettings"), ("client", "clientSettings")])
@pytest.mark.parametrize("text", ["a" * 8193, "ä" * 4097, None, 5, {}])
async def test_texts_that_are_refused(ann: User, path: str, name: str, text: Any) -> None:
    url = f"{PATH}/{path}"
    response = await ann.client.post(url, json={name: text})
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": name})
    response = await ann.client.post(url, json={})
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": name})
    response = await ann.client.post(url, json={name: "", "other": ""})
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": "other"})
    response = await ann.client.post(
        url, content=b'{"%s":"\\ud800"}' % name.encode(), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert await ann.get(url) == {name: ""}
