"""Every endpoint, called by everybody: what each of them is answered.

The tables say who may call what, in words of their own: an endpoint that is in none of them, and one that is no more
where it is listed, fail the tests. The calls are those of :data:`tests.api.test_access.ROWS` where there are any,
with no ids in them: all that is looked at is whether a call gets as far as being looked at.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import httpx
import pytest

from postroom.api.openapi import Endpoint
from postroom.api.operation import Access
from postroom.domain.sessions import Making
from postroom.model.account import FULL, permits
from tests.api.test_access import ROWS, Row, endpoints, is_endless
from tests.api.test_access_tokens import get_caller, header_of, make, revoke
from tests.api.world import PASSWORD, User, World, basic

OPEN = """
    getCaptcha getCaptchaStatus getOpenAPI getVersions listRecoveryMethods loginWithCookie recoverPassword
    recoverUsername sendRecoveryToken validateRecoveryToken
"""
"""Called by anybody."""
SCOPES = {
    "badge": """
    getCounters streamEvents
""",
    "counters": """
    issueTicket login logout
""",
    "read": """
    completeContacts downloadAttachment downloadAttachments downloadBody downloadPart downloadSource
    explainConversation exportContacts getAccountInfo getAttachedMail getAttachedMailAttachment
    getAttachment getAvatar getBatch getBody getClientSettings getContact getContactDelta getContactInfo
    getConversation getFilterOptions getFilterPreset getFolder getFolderDelta getHeaders getIndexInfo
    getLabel getMail getMailConversation getMailDelta getPartData getParts getSettings getSignature
    getSource getTemporaryAttachment getThumbnail getUISettings getVacation getWebhook listAliases
    listAppPasswords listAttachments listBadgeTokens listBlacklist listContacts listConversations
    listFilterPresets listFilters listFolders listLabels listMails listOperations listPermissions
    listSecurityEvents listSecurityMethods listSignatures listTemporaryAliases listWebhooks listWhitelist
    queryPartData searchContactAvatars searchLogos searchMails suggestSearches
""",
    "all": """
    activateSecurityMethod addConversationLabel addLabel addToBlacklist addToWhitelist archiveMail
    cancelSchedule changeBlacklistEntry changeContact changeFilterOptions changeSettings changeSignature
    changeWebhook changeWhitelistEntry checkPassword copyMail copyMails createAppPassword createBadgeToken
    createContact createFolder createLabel createMail createSecurityMethod createSignature
    createTemporaryAlias createWebhook deleteAppPassword deleteAvatar deleteBadgeToken
    deleteClientSettings deleteContact deleteConversation deleteConversations deleteFolder deleteLabel
    deleteMail deleteMails deletePermissions deleteSecurityMethod deleteSecurityMethods deleteSignature
    deleteTemporaryAlias deleteTemporaryAttachment deleteUISettings deleteWebhook disableTwoFactor
    enableTwoFactor getSecurityMethodQR importContacts labelConversations labelMails makeRecoveryCodes
    markConversationSpam markNotSpam markSpam moveConversation moveConversations moveFolder moveMail
    moveMails passSecondStep removeConversationLabel removeFromBlacklist removeFromWhitelist removeLabel
    renameFolder renameLabel replaceDraft replaceLabel replaceVacation replayWebhook resetPassword
    scheduleDraft scheduleMail sendDraft sendMail sendMethodToken setAvatar setClientSettings
    setContactInfo setConversationFlags setFilterPreset setMailFlags setPassword setPermissions
    setUISettings setVacation storeTemporaryAttachments switchFilter undo undoOperation undoSend
    unlabelConversations unlabelMails updateConversations updateMails uploadTemporaryAttachments
""",
}
"""The least that credentials must permit."""
STAGES = {
    "second": """
    listSecurityMethods logout passSecondStep sendMethodToken
""",
    "setup": """
    activateSecurityMethod checkPassword createSecurityMethod enableTwoFactor getSecurityMethodQR
    listSecurityMethods logout sendMethodToken
""",
}
"""What a session may call that waits for its second step, or for one to be set up."""
SECURED = """
    activateSecurityMethod createAppPassword createBadgeToken createSecurityMethod deleteAppPassword
    deleteBadgeToken deleteSecurityMethod deleteSecurityMethods disableTwoFactor enableTwoFactor
    getSecurityMethodQR makeRecoveryCodes
"""
"""Called with a security token alone."""
REFUSED = "these credentials are not for this"
SESSION = "X-Axigen-Session"
TOKEN = "X-Axigen-Security-Token"


class Credentials(NamedTuple):
    """What a call is made with."""

    headers: dict[str, str]
    query: Mapping[str, str] = MappingProxyType({})


def named(table: str) -> set[str]:
    return set(table.split())


def scope_of(operation_id: str) -> str:
    [found] = [scope for scope, table in SCOPES.items() if operation_id in named(table)]
    return found


def protected(world: World) -> list[Endpoint]:
    return [one for one in endpoints(world) if one.declared.operation_id not in named(OPEN)]


async def call(world: World, endpoint: Endpoint, given: Credentials) -> httpx.Response:
    """Make a call that names nothing there is; a stream is asked for something that there is not."""
    row = ROWS.get(endpoint.declared.operation_id, Row())
    path = re.sub(r"\{\w+\}", "x", endpoint.path)
    query = {"folders": "none"} if is_endless(endpoint) else {}
    return await world.connect().request(
        endpoint.method, path, params={**query, **given.query}, json=row.body, headers=given.headers
    )


def code_of(response: httpx.Response) -> str:
    """Return the code of an error; the answer to HEAD has none."""
    return response.json()["errorCode"] if response.content and response.status_code >= 400 else ""


def test_every_endpoint_is_listed_once(world: World) -> None:
    listed = [name for table in (OPEN, *SCOPES.values()) for name in table.split()]
    assert len(listed) == len(set(listed))
    found = {one.declared.operation_id for one in endpoints(world)}
    assert set(listed) == found
    for table in (*STAGES.values(), SECURED):
        assert named(table) <= found - named(OPEN)
    is_open = {one.declared.operation_id for one in endpoints(world) if one.declared.access is Access.PUBLIC}
    assert is_open == named(OPEN)


async def test_nobody(world: World, ann: User) -> None:
    """Whatever is no right pair of credentials and session is answered alike."""
    for title, given in (await make_wrong(world, ann)).items():
        for endpoint in protected(world):
            if endpoint.declared.access is Access.LOGIN and "session" in title:
                continue  # Who logs in has no session yet, and none is looked at.
            response = await call(world, endpoint, given)
            if response.status_code == 429 and title == "a revoked all":
                continue  # It is a wrong password like any other, and who guesses often is told to wait.
            assert response.status_code == 401, (title, endpoint)
            if endpoint.method != "HEAD":
                assert code_of(response) == "notAuthenticated", (title, endpoint)


async def make_wrong(world: World, ann: User) -> dict[str, Credentials]:
    ben = await world.add_account("ben@example.test")
    right = {"Authorization": basic(ann.account.address, PASSWORD)}

    async def log_in(user: User) -> str:
        made = await user.client.post("/api/v1/login")
        return str(made.json()["sessid"])

    session, others, ended = await log_in(ann), await log_in(ben), await log_in(ann)
    await ann.client.post("/api/v1/logout", headers={SESSION: ended})
    expired = await log_in(ann)
    world.clock.now += 1801
    revoked = {}
    for scope in ("all", "badge"):
        made = await make(world, ann, scope)
        await revoke(world, ann, made)
        revoked[f"a revoked {scope}"] = Credentials({"Authorization": header_of(ann, made)})
    session, others = await log_in(ann), await log_in(ben)
    return {
        "nothing": Credentials({}),
        "an unknown scheme": Credentials({"Authorization": "Digest x"}),
        "a provider's token, where there is no provider": Credentials({"Authorization": "Bearer a.b.c"}),
        "a badge token that there is not": Credentials({"Authorization": f"Bearer pbt_{'a' * 32}"}),
        "a session alone": Credentials({SESSION: session}),
        "a session that there is not": Credentials({**right, SESSION: "x"}),
        "another account's session": Credentials({**right, SESSION: others}),
        "an ended session": Credentials({**right, SESSION: ended}),
        "an expired session": Credentials({**right, SESSION: expired}),
        "a session as a cookie's": Credentials({}, {"_h": session}),
        "a cookie that there is not, with a session": Credentials(
            {"Cookie": "__Host-postroom=x"}, {"_h": session}
        ),
        **revoked,
    }


@pytest.mark.parametrize("scope", ["badge", "counters", "read", "all"])
@pytest.mark.parametrize("with_session", [False, True])
async def test_scopes(world: World, ann: User, scope: str, with_session: bool) -> None:
    """Each scope reaches what it is for and nothing else, whatever session it is used with."""
    given = Credentials({"Authorization": header_of(ann, await make(world, ann, scope))})
    refused = 0
    for endpoint in protected(world):
        name = endpoint.declared.operation_id
        if with_session:
            made = await ann.client.post("/api/v1/login")
            given = Credentials({**given.headers, SESSION: made.json()["sessid"]})
        response = await call(world, endpoint, given)
        assert response.status_code != 401 or code_of(response) == "sessionRequired", endpoint
        if not permits(scope, scope_of(name)):
            refused += 1
            assert response.status_code == 403, endpoint
            assert endpoint.method == "HEAD" or response.json()["message"] == REFUSED, endpoint
        elif endpoint.method != "HEAD" and response.status_code == 403:
            assert response.json()["message"] != REFUSED, endpoint
            assert (code_of(response) == "securityTokenRequired") == (name in named(SECURED)), endpoint
    assert (refused == 0) == (scope == "all")


@pytest.mark.parametrize("stage", ["second", "setup"])
async def test_stages(world: World, ann: User, stage: str) -> None:
    """A session that waits for something reaches what leads there, and nothing else."""
    for endpoint in protected(world):
        # A wrong second step is answered like one that is missing; its own tests have right ones.
        if endpoint.declared.access is Access.LOGIN or endpoint.declared.operation_id == "passSecondStep":
            continue
        # Each call has a session of its own, as some of them end it.
        given = await make_session(world, ann, stage)
        # Of the methods, those of the second step alone are told.
        response = await call(world, endpoint, given._replace(query={"scope": "2fa"}))
        is_refused = endpoint.declared.operation_id not in named(STAGES[stage])
        assert (code_of(response) == "secondFactorRequired") == (is_refused and endpoint.method != "HEAD"), (
            endpoint
        )
        assert not is_refused or response.status_code == 401, endpoint


async def make_session(world: World, ann: User, stage: str) -> Credentials:
    logins = world.domain.logins
    async with world.store.directory() as directory:
        account = await directory.directory.find(ann.account.account_id)
    assert account is not None
    sessid = await logins.sessions.create(account, keep=100, making=Making(stage=stage))
    return Credentials({"Authorization": basic(ann.account.address, PASSWORD), SESSION: sessid})


async def test_security_tokens(world: World, ann: User) -> None:
    """What changes who may log in needs the password once more."""
    given = await make_session(world, ann, FULL)
    for wrong in (None, "x", "a" * 43):
        headers = given.headers if wrong is None else {**given.headers, TOKEN: wrong}
        for endpoint in protected(world):
            if endpoint.declared.operation_id in named(SECURED):
                response = await call(world, endpoint, Credentials(headers))
                assert code_of(response) == "securityTokenRequired", endpoint
                assert response.status_code == 403, endpoint


async def test_the_short_way_of_the_counter(world: World, ann: User) -> None:
    """It is asked again and again, and refuses whom the ordinary way refuses."""
    [counters] = [
        one for one in protected(world) if (one.declared.operation_id, one.method) == ("getCounters", "GET")
    ]
    made = await make(world, ann, "badge")
    calls: list[tuple[Callable[[], Awaitable[Credentials]], int]] = []

    async def give_badge() -> Credentials:
        return Credentials({"Authorization": header_of(ann, made)})

    async def give_second() -> Credentials:
        return await make_session(world, ann, "second")

    calls = [(give_badge, 200), (give_second, 401)]
    for give, status in calls:
        given = await give()
        for _ in range(3):
            assert (await call(world, counters, given)).status_code == status
    assert (await get_caller(world, ann)).scope == "all"
