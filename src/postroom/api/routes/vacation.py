"""The absence notice of the account."""

import msgspec
from litestar import get, post, put

from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.vacation import VacationShape, read_vacation, show_vacation

_PATH = "/api/v1/account/vacation"

_decoder = msgspec.json.Decoder(VacationShape)


@get(
    _PATH,
    **operation("getVacation", "Get the absence notice", tag="account", returns=VacationShape, has_etag=True),
)
async def get_vacation(request: Call) -> Reply:
    """Get what is answered while the owner is away, and whether it is; a disabled one where none was ever set."""
    shown = show_vacation(await request.domain.vacations.find(request.caller))
    etag = make_etag("vacation", shown)
    return request.find_not_modified(etag) or json_reply(shown, etag=etag)


@post(
    _PATH,
    **operation("setVacation", "Set the absence notice", tag="account", returns=None, body=VacationShape),
)
async def set_vacation(request: Call) -> Reply:
    """Set what is answered while the owner is away, as a whole. Whoever was answered before is answered again."""
    await request.domain.vacations.set(request.caller, read_vacation(await request.parse_body(_decoder)))
    return Reply()


@put(
    _PATH,
    **operation("replaceVacation", "Set the absence notice", tag="account", returns=None, body=VacationShape),
)
async def replace_vacation(request: Call) -> Reply:
    """Set what is answered while the owner is away; the same as POST."""
    await request.domain.vacations.set(request.caller, read_vacation(await request.parse_body(_decoder)))
    return Reply()


ROUTES = [get_vacation, set_vacation, replace_vacation]
