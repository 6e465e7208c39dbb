"""Traces by OpenTelemetry, where a collector is configured: requests, deliveries, attempts to send, transactions.

The spans are laid around what the composition root puts together, so that nothing below knows of them, and nothing is
loaded or spent where there is no collector. A request's ``traceparent`` (W3C Trace Context) is honoured. Spans hold
numbers, routes and error codes, no addresses and nothing of mail. They leave in a thread; what a collector does not
take in time is thrown away.
Deliveries into one mailbox may share a transaction, which is then a trace of its own.

Sources: https://www.w3.org/TR/trace-context/, https://opentelemetry.io/docs/specs/semconv/http/http-spans/.
"""

import asyncio
import mmap
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from litestar.enums import ScopeType

from postroom import __version__
from postroom.api.counter import PATHS, ROUTE
from postroom.config.telemetry import TelemetryConfig
from postroom.errors import Kind, PostroomError
from postroom.model.envelope import Envelope, Recipient
from postroom.model.outgoing import LOCAL, RELAY

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send
    from opentelemetry.sdk.trace import TracerProvider

    from postroom.delivery.ports import Ingest
    from postroom.domain.queue_leases import Lease
    from postroom.domain.queue_runner import TakesTurns
    from postroom.store.engine.base import Engine, WriteConnection

EXPORT_SECONDS: Final = 5
_MILLISECONDS: Final = 1000


class Telemetry:
    """Lays spans around what it is given; ``provider`` says where they go."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry import trace  # noqa: PLC0415 (only where traces are wanted)
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        self._provider = provider
        self.tracer = provider.get_tracer("postroom", __version__)
        self.kinds = trace.SpanKind
        self.error = trace.Status(trace.StatusCode.ERROR)
        self.extract = TraceContextTextMapPropagator().extract

    def around_http(self, app: "ASGIApp") -> "ASGIApp":
        """Return an application with a span for each request."""
        return cast("ASGIApp", _TracedHTTP(app, self))

    def around_ingest(self, ingest: "Ingest") -> "Ingest":
        """Return deliveries with a span for each message."""
        return _TracedIngest(ingest, self)

    def around_turns(self, turns: "TakesTurns") -> "TakesTurns":
        """Return the turns of the outgoing queue with a span for each."""
        return _TracedTurns(turns, self)

    def around_engine(self, engine: "Engine") -> "Engine":
        """Return a database with a span for each transaction that writes."""
        return cast("Engine", _TracedEngine(engine, self))

    async def close(self) -> None:
        """Send what is left."""
        await asyncio.to_thread(self._provider.shutdown)


def open_telemetry(section: TelemetryConfig) -> Telemetry | None:
    """Return what makes traces, None where there is no collector. Raises: telemetryMissing."""
    if not section.otlp_endpoint:
        return None
    try:
        resources = import_module("opentelemetry.sdk.resources")
        tracing = import_module("opentelemetry.sdk.trace")
        sampling = import_module("opentelemetry.sdk.trace.sampling")
        exporting = import_module("opentelemetry.sdk.trace.export")
        otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as error:
        raise PostroomError(
            Kind.INVALID,
            "telemetryMissing",
            "telemetry.otlp_endpoint needs packages that are not there: pip install 'postroom[telemetry]'",
        ) from error
    provider = tracing.TracerProvider(
        resource=resources.Resource.create(
            {"service.name": section.service_name, "service.version": __version__}
        ),
        sampler=sampling.ParentBased(sampling.TraceIdRatioBased(section.sample_percent / 100)),
        shutdown_on_exit=False,
    )
    endpoint = f"{section.otlp_endpoint.rstrip('/')}/v1/traces"
    exporter = otlp.OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
    provider.add_span_processor(
        exporting.BatchSpanProcessor(exporter, export_timeout_millis=EXPORT_SECONDS * _MILLISECONDS)
    )
    return Telemetry(provider)


@asynccontextmanager
async def running_telemetry(section: TelemetryConfig) -> AsyncIterator[Telemetry | None]:
    """Make traces for the time of a block, None where there is no collector. Raises: telemetryMissing."""
    telemetry = open_telemetry(section)
    try:
        yield telemetry
    finally:
        if telemetry is not None:
            await telemetry.close()


class _TracedHTTP:
    """An ASGI application with a span for each request."""

    def __init__(self, app: "ASGIApp", telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request in a span."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        telemetry = self._telemetry
        fields = cast("dict[str, Any]", scope)
        # Answers that are ready would go out behind our back.
        fields["extensions"] = {}
        method = scope["method"]
        with telemetry.tracer.start_as_current_span(
            method, context=telemetry.extract(_read_context(scope["headers"])), kind=telemetry.kinds.SERVER
        ) as span:

            async def forward(message: "Message") -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(telemetry.error)
                    for name, value in message["headers"]:
                        if name == b"x-request-id":
                            span.set_attribute("postroom.request_id", value.decode("latin-1"))
                await send(message)

            span.set_attribute("http.request.method", method)
            try:
                await self._app(scope, receive, forward)
            finally:
                route = ROUTE if scope["path"] in PATHS else fields.get("path_template")
                if route:
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", str(route))


def _read_context(headers: Any) -> Mapping[str, str]:
    wanted = {b"traceparent", b"tracestate"}
    return {name.decode("ascii"): value.decode("latin-1") for name, value in headers if name in wanted}


class _TracedIngest:
    """Deliveries with a span for each message."""

    def __init__(self, ingest: "Ingest", telemetry: Telemetry) -> None:
        self._ingest = ingest
        self._telemetry = telemetry

    async def resolve_recipient(self, address: str, *, size_bytes: int | None) -> Recipient:
        """Return where mail for an address goes."""
        return await self._ingest.resolve_recipient(address, size_bytes=size_bytes)

    async def deliver(self, envelope: Envelope, content: bytes | mmap.mmap) -> Sequence[PostroomError | None]:
        """Store a message in a span."""
        telemetry = self._telemetry
        with telemetry.tracer.start_as_current_span("deliver", kind=telemetry.kinds.SERVER) as span:
            span.set_attribute("postroom.recipients", len(envelope.recipients))
            span.set_attribute("postroom.size_bytes", len(content))
            outcomes = await self._ingest.deliver(envelope, content)
            codes = sorted({outcome.code for outcome in outcomes if outcome is not None})
            span.set_attribute("postroom.delivered", sum(outcome is None for outcome in outcomes))
            if codes:
                span.set_attribute("postroom.errors", codes)
                span.set_status(telemetry.error)
            return outcomes


class _TracedTurns:
    """Turns of the outgoing queue with a span for each."""

    def __init__(self, turns: "TakesTurns", telemetry: Telemetry) -> None:
        self._turns = turns
        self._telemetry = telemetry

    async def take(self, lease: "Lease") -> None:
        """Try a group in a span."""
        telemetry = self._telemetry
        with telemetry.tracer.start_as_current_span("send", kind=telemetry.kinds.CONSUMER) as span:
            span.set_attribute("postroom.processing_id", lease.group.processing_id)
            destination = lease.group.destination
            span.set_attribute(
                "postroom.destination", destination if destination in {LOCAL, RELAY} else "elsewhere"
            )
            await self._turns.take(lease)


class _TracedEngine:
    """A database with a span for each transaction that writes; all else is the database's own."""

    def __init__(self, engine: "Engine", telemetry: Telemetry) -> None:
        self._engine = engine
        self._telemetry = telemetry

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    @asynccontextmanager
    async def write(self) -> "AsyncIterator[WriteConnection]":
        """Enter a write transaction in a span, which ends when it is durable."""
        attributes = {"db.system.name": "sqlite" if self._engine.answers_now else "postgresql"}
        with self._telemetry.tracer.start_as_current_span("transaction", attributes=attributes):
            async with self._engine.write() as connection:
                yield connection
