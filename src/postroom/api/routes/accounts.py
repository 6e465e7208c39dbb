"""The account's information."""

import time

from litestar import get

from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.accounts import Info, render_info

_DAY_SECONDS = 86_400


@get(
    "/api/v1/account/info",
    **operation(
        "getAccountInfo",
        "Describe the account",
        tag="account",
        returns=Info,
        has_etag=True,
        despite_due_password=True,
    ),
)
async def get_account_info(request: Call) -> Reply:
    """Tell who the account is, what it uses, and what its class allows."""
    info = await request.domain.accounts.info(request.caller)
    now = time.time()
    etag = make_etag("info", info, int(now // _DAY_SECONDS))
    return request.find_not_modified(etag) or json_reply(render_info(info, now_seconds=now), etag=etag)


ROUTES = [get_account_info]
