"""What a server does beside answering, again and again: it clears up, and takes up what was left undone."""

import contextlib
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from postroom.app.background import Step, repeat
from postroom.app.metrics import ServiceCollector
from postroom.app.services import Services
from postroom.app.upkeep import keep_index_tidy
from postroom.app.webhooks import make_webhook_runner
from postroom.config.root import Config
from postroom.domain.calls import purge_calls
from postroom.domain.check import find_last_drift
from postroom.domain.factor_upkeep import purge_factors, purge_failed_logins
from postroom.domain.maintenance import purge_sessions
from postroom.domain.queue_admin import purge_finished
from postroom.domain.released_blobs import remove_released_blobs
from postroom.domain.search_folders import remove_ended
from postroom.domain.temporary_aliases import forget_expired
from postroom.domain.uploads import collect_orphans, remove_of_ended_sessions
from postroom.domain.visits import Visits
from postroom.errors import PostroomError
from postroom.store import Store

MAINTENANCE_SECONDS = 3600
GO_ON_SECONDS = 10
VISITS_SECONDS = 60
"""How often it is looked for mailboxes that are due; each is once a day."""
SESSIONS_SECONDS = 300
"""How often it is looked for what belongs to sessions that are over."""
DRIFT_SECONDS = 60
"""How often the result of the last check is read for the metrics."""
TIDY_SECONDS = 60
"""After this time the upkeep of the full-text index is taken up again, should it have failed."""

_log = structlog.get_logger("postroom")


def list_jobs(
    services: Services, config: Config, collector: ServiceCollector
) -> list[Coroutine[Any, Any, None]]:
    """Return the work, which goes on until it is cancelled."""
    domain = services.domain
    return [
        repeat(
            "the last check cannot be read",
            lambda: _watch_drift(services.store, collector),
            pause_seconds=DRIFT_SECONDS,
        ),
        repeat(
            "maintenance failed",
            *_list_maintenance(services, config),
            pause_seconds=MAINTENANCE_SECONDS,
            rests_first=True,
        ),
        repeat(
            "work could not be taken up",
            domain.jobs.resume,
            lambda: domain.jobs.purge(now=time.time()),
            domain.doomed.resume,
            pause_seconds=GO_ON_SECONDS,
        ),
        repeat(
            "mailboxes could not be looked after",
            lambda: _visit(domain.visits),
            pause_seconds=VISITS_SECONDS,
        ),
        repeat(
            "the index could not be tidied",
            lambda: keep_index_tidy(services.store.engine),
            pause_seconds=TIDY_SECONDS,
        ),
        repeat(
            "what sessions had could not be cleared",
            *_list_clearing(services, config),
            pause_seconds=SESSIONS_SECONDS,
        ),
        make_webhook_runner(services, config.webhooks).run(),
    ]


def _list_maintenance(services: Services, config: Config) -> list[Step]:
    """Return what cuts back what grows."""
    store, clock = services.store, services.clock
    return [
        lambda: collect_orphans(store),
        lambda: remove_released_blobs(store),
        lambda: purge_calls(store),
        lambda: purge_factors(store, now_ms=clock.now_ms()),
        lambda: purge_failed_logins(store, config.auth, now_ms=clock.now_ms()),
        lambda: forget_expired(store, now_ms=clock.now_ms()),
        lambda: purge_finished(store, config.sending, now=clock.now_ms()),
    ]


def _list_clearing(services: Services, config: Config) -> list[Step]:
    """Return what removes sessions that are over, with what they have uploaded and found."""
    store, clock = services.store, services.clock
    return [
        lambda: purge_sessions(store, now_ms=clock.now_ms()),
        lambda: remove_of_ended_sessions(store, config.auth, now_ms=clock.now_ms()),
        lambda: remove_ended(store, config.auth, now_ms=clock.now_ms()),
    ]


async def _watch_drift(store: Store, collector: ServiceCollector) -> None:
    """Keep the metric of the last check's result up to date."""
    with contextlib.suppress(PostroomError):
        collector.counter_drift = await find_last_drift(store)


async def _visit(visits: Visits) -> None:
    """Look after the mailboxes that are due."""
    done = await visits.visit_due()
    if done.accounts:
        _log.info(
            "looked after mailboxes",
            accounts=done.accounts,
            operations_removed=done.operations,
            removals_forgotten=done.removals,
        )
