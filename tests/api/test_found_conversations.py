"""Conversations of search folders, as clients see them: lists, tokens, ranges of batches."""

import pytest

from postroom.domain.filing import Flags
from postroom.model.folder import SENT
from tests.api.letters import DATE, Letter, put
from tests.api.test_search_folders import Found, log_in, search
from tests.api.world import User

ASK = Letter("ask", "Lunch?")
ANSWER = Letter("answer", "Re: Lunch?", ("ask",), from_="Ann <ann@example.test>", to="bea@example.org")
THANKS = Letter("thanks", "Re: Lunch?", ("ask", "answer"), from_="carl@example.org")
OTHER = Letter("other", "Another matter", importance="high")
LATER = Letter("later", "Re: Another matter", ("other",))


async def put_all(user: User) -> list[str]:
    """Two conversations, of three mails and of two; return the ids of the mails, oldest first."""
    read = Flags(is_unread=False)
    return [
        await put(user, ASK, date=DATE, flags=read),
        await put(user, ANSWER, date=DATE + 1, folder=SENT, flags=read),
        await put(user, OTHER, date=DATE + 2),
        await put(user, THANKS, date=DATE + 3, flags=read),
        await put(user, LATER, date=DATE + 4, flags=read),
    ]


async def find_first(user: User, *, session: str = "") -> tuple[Found, list[str]]:
    """Keep the first mail of each conversation as found."""
    mails = await put_all(user)
    return await search(user, [mails[2], mails[0]], session=session), mails


async def test_a_list(ann: User) -> None:
    found, mails = await find_first(ann)
    answer = await found.ask("GET", "conversations", folderId=found.folder)
    assert answer["totalItems"] == 2
    assert answer["sortInfo"] == {"field": "date", "direction": "DESC", "activeRowIndex": -1}
    other, lunch = answer["items"]
    # Shown are all mails; what the list goes by is the last that was found.
    assert (other["subject"], other["date"], other["mailCount"]) == ("Another matter", str(DATE + 2), "2")
    assert (lunch["subject"], lunch["date"], lunch["mailCount"]) == ("Lunch?", str(DATE), "3")
    assert lunch["snippet"] == "Text of ask."
    [ask, reply, thanks] = lunch["mails"]
    assert (ask["originalFolderId"], ask["originalMailId"]) == (ann.inbox, mails[0])
    assert (ask["folderId"], ask["mailId"]) == (found.folder, (await found.ids(dir="ASC"))[0])
    for shown, mail in ((reply, mails[1]), (thanks, mails[3])):
        assert shown["mailId"] == shown["originalMailId"] == mail
        assert shown["folderId"] == shown["originalFolderId"] != found.folder


@pytest.mark.parametrize(
    ("sort", "subjects"),
    [
        ("subject", ["Another matter", "Lunch?"]),
        ("date", ["Lunch?", "Another matter"]),
        ("isUnread", ["Lunch?", "Another matter"]),
        ("importance", ["Lunch?", "Another matter"]),
        ("from", ["Lunch?", "Another matter"]),
        ("to", ["Lunch?", "Another matter"]),
        ("isFlagged", ["Lunch?", "Another matter"]),
        ("hasAttachments", ["Lunch?", "Another matter"]),
    ],
)
async def test_orders_and_pages(ann: User, sort: str, subjects: list[str]) -> None:
    found, _ = await find_first(ann)
    up = await found.ask("GET", "conversations", folderId=found.folder, sort=sort, dir="ASC")
    assert [item["subject"] for item in up["items"]] == subjects
    active = up["items"][0]["id"]
    down = await found.ask(
        "GET",
        "conversations",
        folderId=found.folder,
        sort=sort,
        dir="DESC",
        start=1,
        limit=1,
        activeConversationId=active,
    )
    assert [item["id"] for item in down["items"]] == [active]
    assert down["sortInfo"]["activeRowIndex"] == 1
    beyond = await found.ask("GET", "conversations", folderId=found.folder, start=2)
    assert (beyond["items"], beyond["totalItems"]) == ([], 2)


async def test_the_token_follows_mails_that_were_not_found(ann: User) -> None:
    found, mails = await find_first(ann)

    async def token() -> str:
        alone = await found.ask("GET", "conversations", folderId=found.folder, syncTokenOnly="true")
        whole = await found.ask("GET", "conversations", folderId=found.folder)
        assert alone == {"syncToken": whole["syncToken"]}
        return str(alone["syncToken"])

    first = await token()
    await put(ann, Letter("none", "No matter"), date=DATE)
    assert await token() == first
    await found.ask("PATCH", f"mails/{mails[3]}", {"isFlagged": True})
    second = await token()
    assert second != first
    shown = await found.ask("GET", "conversations", folderId=found.folder, sort="isFlagged", dir="DESC")
    assert [item["isFlagged"] for item in shown["items"]] == [True, False]
    # What was found goes to Trash, and its conversation from the list.
    await found.ask("DELETE", f"mails/{mails[2]}")
    assert await token() != second
    left = await found.ask("GET", "conversations", folderId=found.folder)
    assert [item["subject"] for item in left["items"]] == ["Lunch?"]


async def test_an_unchanged_page(ann: User) -> None:
    found, _ = await find_first(ann)
    response = await found.send("GET", "conversations", folderId=found.folder)
    tag = response.headers["ETag"]
    again = await ann.client.get(
        "/api/v1/conversations", params={"folderId": found.folder}, headers={"If-None-Match": tag}
    )
    assert again.status_code == 304
    other = await ann.client.get(
        "/api/v1/conversations",
        params={"folderId": found.folder, "limit": 1},
        headers={"If-None-Match": tag},
    )
    assert other.status_code == 200


async def test_ranges_of_batches(ann: User) -> None:
    found, _ = await find_first(ann)
    page = await found.ask("GET", "conversations", folderId=found.folder, sort="date", dir="ASC")
    lunch, other = (item["id"] for item in page["items"])
    body = {
        "ranges": [{"start": other, "limit": 5}],
        "sortInfo": {"field": "date", "direction": "ASC"},
        "folderId": found.folder,
        "isFlagged": True,
    }
    answer = await found.ask("POST", "batch/conversations/update", body)
    assert (answer["status"], answer["failedItems"]) == ("completed", [])
    page = await found.ask("GET", "conversations", folderId=found.folder, sort="date", dir="ASC")
    assert [item["isFlagged"] for item in page["items"]] == [False, True]
    # A start that is not in the list has failed; the folder must be there.
    await found.ask("DELETE", f"conversations/{lunch}")
    body["ranges"] = [{"start": lunch, "limit": 5}]
    answer = await found.ask("POST", "batch/conversations/update", body)
    assert answer["failedItems"] == [lunch]
    body["folderId"] = f"{found.folder}1"
    assert (await found.send("POST", "batch/conversations/update", body)).status_code == 404


async def test_nobody_else_sees_it(ann: User, ben: User) -> None:
    found, _ = await find_first(ann, session=await log_in(ann))
    for user in (ann, ben):
        # Another session of the same account, and another account.
        for query in ({}, {"syncTokenOnly": "true"}):
            answer = await user.client.get(
                "/api/v1/conversations", params={"folderId": found.folder, **query}
            )
            assert (answer.status_code, answer.json()["errorCode"]) == (404, "notFound")
    assert (await found.send("GET", "conversations", folderId=found.folder)).status_code == 200
