"""The account's indexes."""

from litestar import get

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.indexes import IndexInfo, IndexQuery, render_indexes

_query = Query(IndexQuery)


@get(
    "/api/v1/account/indexinfo",
    **operation(
        "getIndexInfo",
        "Tell how far the indexes are",
        tag="account",
        returns=list[IndexInfo],
        query=IndexQuery,
        has_etag=True,
        errors=("notFound",),
    ),
)
async def get_index_info(request: Call) -> Reply:
    """Tell of each index that is asked for whether it is up to date, and if not, how far it is.

    The full-text index is up to date with all but the text of attached documents, which is read behind the delivery.
    """
    query = request.parse_query(_query)
    scope = ids.parse_folder(query.scope, "scope")
    shown = render_indexes(query.ids, await request.domain.indexes.states(request.caller, scope))
    etag = make_etag("indexes", *shown)
    return request.find_not_modified(etag) or json_reply(shown, etag=etag)


ROUTES = [get_index_info]
