"""Senders' logos (BIMI)."""

import msgspec
from litestar import post

from postroom.api.call import Call
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.bimi import BimiLogos, LogosWanted, render_logos
from postroom.model.account import READ

_wanted = msgspec.json.Decoder(LogosWanted)


@post(
    "/api/v1/bimi/search",
    status_code=200,
    **operation(
        "searchLogos",
        "Get senders' logos",
        scope=READ,
        tag="bimi",
        returns=BimiLogos,
        body=LogosWanted,
    ),
)
async def search_logos(request: Call) -> Reply:
    """Get the logos that mails name by ``bimiLocation``; only those found are answered, each once.

    Nothing is fetched meanwhile: a logo may be found later than the mail that names it.
    """
    wanted = await request.parse_body(_wanted)
    names = [name.lower() for name in wanted.bimi_locations]
    return json_reply(render_logos(await request.domain.bimi.find_logos(names)))


ROUTES = [search_logos]
