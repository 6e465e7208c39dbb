"""Whether the server lives (/healthz) and whether it can do its work (/readyz). Both need no authentication."""

from litestar import HttpMethod, route

from postroom.api.call import Call
from postroom.api.reply import Headers, Reply

_NO_STORE: Headers = [(b"cache-control", b"no-store")]
_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


@route("/healthz", http_method=_METHODS, include_in_schema=False)
async def get_health(request: Call) -> Reply:
    """Answer 200 as long as the event loop turns."""
    return Reply(b'{"status":"ok"}', headers=_NO_STORE)


@route("/readyz", http_method=_METHODS, include_in_schema=False)
async def get_readiness(request: Call) -> Reply:
    """Answer 200 if the store can be read and written, else 503."""
    await request.domain.health.ready()
    return Reply(b'{"status":"ready"}', headers=_NO_STORE)


ROUTES = [get_health, get_readiness]
