"""Temporary aliases: addresses that the account has for a while."""

from litestar import delete, get, post

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.profiles import TemporaryAlias, TemporaryAliasList, render_alias

_PATH = "/api/v1/account/temporaryaliases"


@get(
    _PATH,
    **operation(
        "listTemporaryAliases",
        "List the temporary aliases",
        tag="account",
        returns=TemporaryAliasList,
        has_etag=True,
    ),
)
async def list_temporary_aliases(request: Call) -> Reply:
    """List the temporary aliases that work now, by the time they end."""
    owner = request.caller.account_id
    found = await request.domain.temporary_aliases.list(request.caller)
    etag = make_etag("temporaryaliases", owner, found)
    items = [render_alias(owner, one) for one in found]
    return request.find_not_modified(etag) or json_reply(TemporaryAliasList(items), etag=etag)


@post(
    _PATH,
    **operation(
        "createTemporaryAlias",
        "Make a temporary alias",
        tag="account",
        returns=TemporaryAlias,
        errors=("notPermitted",),
    ),
)
async def create_temporary_alias(request: Call) -> Reply:
    """Make a random address of the account's domain, which works for some days: mail may be sent to and from it."""
    made = await request.domain.temporary_aliases.create(request.caller)
    return json_reply(render_alias(request.caller.account_id, made))


@delete(
    f"{_PATH}/{{temporary_alias_id:str}}",
    status_code=200,
    **operation("deleteTemporaryAlias", "End a temporary alias", tag="account", returns=None),
)
async def delete_temporary_alias(request: Call) -> Reply:
    """End a temporary alias: mail to it is refused from now on."""
    ref = ids.parse_alias(request.scope["path_params"]["temporary_alias_id"], "temporaryAliasId")
    await request.domain.temporary_aliases.delete(request.caller, ref)
    return Reply()


ROUTES = [list_temporary_aliases, create_temporary_alias, delete_temporary_alias]
