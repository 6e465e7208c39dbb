"""Searching mails, and suggestions of what to search for."""

import msgspec
from litestar import get, post

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.search import SearchBody, SearchResult, Suggestion, SuggestionList, SuggestQuery
from postroom.domain.access import require_own
from postroom.model.account import READ
from postroom.search.query import Criterion, parse_query

_PATH = "/api/v1/mails/search"
_body = msgspec.json.Decoder(SearchBody)
_suggest_query = Query(SuggestQuery)


@post(
    _PATH,
    **operation(
        "searchMails",
        "Search mails",
        scope=READ,
        tag="search",
        returns=SearchResult,
        body=SearchBody,
        errors=("notFound",),
    ),
)
async def search_mails(request: Call) -> Reply:
    """Find the mails that match all criteria; the answer names a search folder, which is listed like any other."""
    body = await request.parse_body(_body)
    refs = [ids.parse_folder(text, "folderIds") for text in body.folder_ids]

    def read_label(text: str) -> int:
        ref = ids.parse_label(text, "query")
        require_own(request.caller, ref.owner, "the label")
        return ref.label

    query = parse_query([Criterion(one.field, one.value, one.negate) for one in body.query], read_label)
    found = await request.domain.search.open(request.caller, refs, query, recursive=body.recursive)
    return json_reply(SearchResult(ids.render_folder(found.account_id, found.search_id), found.total_items))


@get(
    f"{_PATH}/suggest",
    **operation(
        "suggestSearches",
        "Suggest what to search for",
        tag="search",
        returns=SuggestionList,
        query=SuggestQuery,
    ),
)
async def suggest_searches(request: Call) -> Reply:
    """Complete words and senders as somebody types, from two letters on."""
    query = request.parse_query(_suggest_query)
    found = await request.domain.search_suggestions.list(request.caller, query.prefix)
    return json_reply(SuggestionList([Suggestion(*one) for one in found]))


ROUTES = [search_mails, suggest_searches]
