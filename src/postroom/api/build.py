"""The HTTP application, put together."""

from copy import copy
from functools import cache
from typing import Any, NoReturn

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from postroom.api import health
from postroom.api.call import Call, prepare
from postroom.api.describe import make_docs_routes, make_openapi_route
from postroom.api.edge import Edge
from postroom.api.idempotency import WRITING_METHODS, OncePerKey
from postroom.api.metrics import get_metrics
from postroom.api.proxies import BehindProxies, make_trust
from postroom.api.reading import ReadingWay
from postroom.api.routes import (
    access_tokens,
    accounts,
    attachments,
    batches,
    bimi,
    contact_transfer,
    contacts,
    conversation_batches,
    conversation_changes,
    conversations,
    cookie_logins,
    counters,
    deltas,
    drafts,
    events,
    filters,
    folders,
    indexes,
    labels,
    logins,
    mail_changes,
    mails,
    messages,
    operations,
    passwords,
    profiles,
    recovery,
    search,
    second_steps,
    security_events,
    security_methods,
    sending,
    settings,
    signatures,
    temporary_aliases,
    temporary_attachments,
    vacation,
    webhooks,
)
from postroom.api.settings import APISettings
from postroom.api.stats import APIStats
from postroom.api.web import make_web_routes
from postroom.domain import Domain

_RESOURCES = (
    logins,
    cookie_logins,
    counters,
    events,
    accounts,
    profiles,
    signatures,
    temporary_aliases,
    indexes,
    folders,
    mails,
    deltas,
    drafts,
    sending,
    mail_changes,
    labels,
    contact_transfer,
    contacts,
    bimi,
    messages,
    attachments,
    batches,
    conversations,
    conversation_changes,
    conversation_batches,
    operations,
    passwords,
    security_methods,
    second_steps,
    recovery,
    search,
    security_events,
    settings,
    filters,
    temporary_attachments,
    vacation,
    webhooks,
    access_tokens,
)


@cache
def build_router(*, web_client: bool = True) -> Litestar:
    """Return the framework's part of the application: routing and admission.

    It is the same for all applications of a process: what a call works on comes with the call, from the edge.
    """
    pages = [*make_docs_routes(), *(make_web_routes() if web_client else [])]
    routes = [_prepare(handler) for resource in _RESOURCES for handler in resource.ROUTES]
    return Litestar(
        [*routes, *health.ROUTES, get_metrics, make_openapi_route(), *pages],
        request_class=Call,
        before_request=prepare,
        exception_handlers={Exception: _pass_on},
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


def _prepare(handler: HTTPRouteHandler) -> HTTPRouteHandler:
    """Return a handler with what stands before it; of those that read, nothing does."""
    if WRITING_METHODS.isdisjoint(handler.http_methods):
        return handler
    prepared = copy(handler)
    prepared.middleware = [OncePerKey]
    return prepared


def build_api(domain: Domain, settings: APISettings, stats: APIStats) -> ASGIApp:
    """Return the ASGI application of the whole HTTP interface."""
    router = build_router(web_client=settings.web_client)
    edge = Edge(ReadingWay(router), domain=domain, settings=settings, stats=stats)
    trust = make_trust(settings.proxy_networks, unix=settings.trusts_unix, header=settings.forwarded_header)
    return edge if trust is None else BehindProxies(edge, trust)


def _pass_on(_: "Request[Any, Any, Any]", error: Exception) -> NoReturn:
    """Leave every error to the edge, the one place that renders them."""
    raise error
