"""App passwords and badge tokens: what programs log in with in the place of the password."""

import msgspec
from litestar import delete, get, post

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.access_tokens import (
    AppPasswordList,
    BadgeTokenList,
    MadeAppPassword,
    MadeBadgeToken,
    NewAppPassword,
    NewBadgeToken,
    render_badge,
    render_made_badge,
    render_made_password,
    render_password,
)
from postroom.model.account import BADGE

PASSWORDS = "/api/v1/account/apppasswords"
BADGES = "/api/v1/account/badgetokens"
_NO_STORE = [(b"cache-control", b"no-store")]

_new_password = msgspec.json.Decoder(NewAppPassword)
_new_badge = msgspec.json.Decoder(NewBadgeToken)


@get(
    PASSWORDS,
    **operation(
        "listAppPasswords", "List app passwords", tag="security", returns=AppPasswordList, has_etag=True
    ),
)
async def list_app_passwords(request: Call) -> Reply:
    """List the account's app passwords, oldest first; the passwords themselves are shown once, when they are made."""
    owner = request.caller.account_id
    found = await request.domain.access_tokens.list(request.caller, badges=False)
    etag = make_etag("apppasswords", owner, found)
    items = [render_password(owner, one) for one in found]
    return request.find_not_modified(etag) or json_reply(AppPasswordList(items), etag=etag)


@post(
    PASSWORDS,
    **operation(
        "createAppPassword",
        "Make an app password",
        tag="security",
        returns=MadeAppPassword,
        body=NewAppPassword,
        needs_security_token=True,
    ),
)
async def create_app_password(request: Call) -> Reply:
    """Make a password for a program, which uses it in the place of the account's own; the answer alone shows it."""
    body = await request.parse_body(_new_password)
    made = await request.domain.access_tokens.create(
        request.caller, body.name, body.scope, client=request.client_host
    )
    shown = render_made_password(request.caller.account_id, made)
    return Reply(msgspec.json.encode(shown), headers=_NO_STORE)


@delete(
    f"{PASSWORDS}/{{app_password_id:str}}",
    status_code=200,
    **operation(
        "deleteAppPassword",
        "Revoke an app password",
        tag="security",
        returns=None,
        needs_security_token=True,
    ),
)
async def delete_app_password(request: Call) -> Reply:
    """Revoke an app password: it is worth nothing from now on."""
    ref = ids.parse_access_token(request.scope["path_params"]["app_password_id"], "appPasswordId")
    await request.domain.access_tokens.delete(request.caller, ref, badges=False, client=request.client_host)
    return Reply()


@get(
    BADGES,
    **operation(
        "listBadgeTokens", "List badge tokens", tag="security", returns=BadgeTokenList, has_etag=True
    ),
)
async def list_badge_tokens(request: Call) -> Reply:
    """List the account's badge tokens, oldest first; the tokens themselves are shown once, when they are made."""
    owner = request.caller.account_id
    found = await request.domain.access_tokens.list(request.caller, badges=True)
    etag = make_etag("badgetokens", owner, found)
    items = [render_badge(owner, one) for one in found]
    return request.find_not_modified(etag) or json_reply(BadgeTokenList(items), etag=etag)


@post(
    BADGES,
    **operation(
        "createBadgeToken",
        "Make a badge token",
        tag="security",
        returns=MadeBadgeToken,
        body=NewBadgeToken,
        needs_security_token=True,
    ),
)
async def create_badge_token(request: Call) -> Reply:
    """Make a token that reads the unread counters and nothing else; the answer alone shows it."""
    body = await request.parse_body(_new_badge)
    made = await request.domain.access_tokens.create(
        request.caller, body.name, BADGE, client=request.client_host
    )
    shown = render_made_badge(request.caller.account_id, made)
    return Reply(msgspec.json.encode(shown), headers=_NO_STORE)


@delete(
    f"{BADGES}/{{badge_token_id:str}}",
    status_code=200,
    **operation(
        "deleteBadgeToken",
        "Revoke a badge token",
        tag="security",
        returns=None,
        needs_security_token=True,
    ),
)
async def delete_badge_token(request: Call) -> Reply:
    """Revoke a badge token: it is worth nothing from now on."""
    ref = ids.parse_access_token(request.scope["path_params"]["badge_token_id"], "badgeTokenId")
    await request.domain.access_tokens.delete(request.caller, ref, badges=True, client=request.client_host)
    return Reply()


ROUTES = [
    list_app_passwords,
    create_app_password,
    delete_app_password,
    list_badge_tokens,
    create_badge_token,
    delete_badge_token,
]
