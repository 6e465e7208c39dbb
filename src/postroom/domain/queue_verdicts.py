"""Verdicts on attempts: who is settled, when the others are tried again, and what the sender is to be told.

Pure. A message that could not be delivered for ``give_up_hours`` since it was released fails; one that waits for
``delay_notice_hours`` is told of once. What is told follows NOTIFY (RFC 3461 §4.1), whose default asks for failures
and delays; nobody is told of messages with the null reverse-path, so that no report answers a report.
"""

from collections.abc import Sequence
from typing import NamedTuple

from postroom.config.sending import SendingConfig
from postroom.model.outgoing import (
    DELIVERED,
    FAILED,
    RELAYED,
    WAITING,
    Outcome,
    Outgoing,
    OutgoingGroup,
    OutgoingRecipient,
)

FAILURE, DELAY, SUCCESS = "FAILURE", "DELAY", "SUCCESS"
"""Words of NOTIFY."""
EXPIRED = "4.4.7"
_HOUR_MS, _MINUTE_MS = 3_600_000, 60_000
MAX_TEXT_CHARACTERS = 1000


class Told(NamedTuple):
    """A recipient that the sender is told of, and what it came to."""

    recipient: OutgoingRecipient
    outcome: Outcome


class Verdict(NamedTuple):
    """What an attempt means for a group."""

    outcomes: Sequence[Outcome]
    next_try_at: int
    """When those who wait are tried again; 0 if nobody waits."""
    failure: str
    """Why somebody waits."""
    failures: Sequence[Told] = ()
    successes: Sequence[Told] = ()
    delays: Sequence[Told] = ()

    @property
    def is_settled(self) -> bool:
        """Nobody waits any more."""
        return not self.next_try_at


def judge(
    message: Outgoing,
    group: OutgoingGroup,
    attempt: Sequence[tuple[OutgoingRecipient, Outcome]],
    *,
    sending: SendingConfig,
    now: int,
) -> Verdict:
    """Return what an attempt means.

    Args:
        message: the message.
        group: the group that was tried.
        attempt: its recipients, and what it came to for each.
        sending: the waiting times.
        now: the present time in Unix milliseconds.
    """
    deadline = find_deadline(message, sending)
    judged = [Told(recipient, _cut(outcome)) for recipient, outcome in attempt]
    if now >= deadline:
        judged = [Told(recipient, _expire(outcome)) for recipient, outcome in judged]
    waiting = [told for told in judged if told.outcome.state == WAITING]
    verdict = Verdict(
        outcomes=[told.outcome for told in judged],
        next_try_at=_next_try(group, sending, now=now, deadline=deadline) if waiting else 0,
        failure=waiting[0].outcome.answer if waiting else "",
    )
    if not message.sender:
        return verdict
    is_late = sending.delay_notice_hours and now >= message.release_at + sending.delay_notice_hours * _HOUR_MS
    return verdict._replace(
        failures=[told for told in judged if told.outcome.state == FAILED and _wants(told, FAILURE)],
        successes=[told for told in judged if _has_arrived(told.outcome) and _wants(told, SUCCESS)],
        delays=[told for told in waiting if is_late and not message.delay_told_at and _wants(told, DELAY)],
    )


def find_deadline(message: Outgoing, sending: SendingConfig) -> int:
    """Return when a message is given up, in Unix milliseconds."""
    return message.release_at + sending.give_up_hours * _HOUR_MS


def _wants(told: Told, word: str) -> bool:
    words = told.recipient.notify.upper().replace(" ", "").split(",")
    return word in (FAILURE, DELAY) if words == [""] else word in words


def _has_arrived(outcome: Outcome) -> bool:
    """Tell whether it is ours to say that a message has arrived, or has gone where nobody will (RFC 3461 §5.2.2)."""
    return outcome.state == DELIVERED or (outcome.state == RELAYED and not outcome.passes_dsn)


def _next_try(group: OutgoingGroup, sending: SendingConfig, *, now: int, deadline: int) -> int:
    minutes = sending.retry_minutes
    wait = minutes[min(group.attempts, len(minutes) - 1)]
    # The last try is made when the time is over, not up to a whole waiting time later.
    return min(now + wait * _MINUTE_MS, deadline)


def _cut(outcome: Outcome) -> Outcome:
    """Return an outcome whose text can be stored and shown."""
    text = " ".join("".join(char if char.isprintable() else " " for char in outcome.answer).split())
    return outcome._replace(answer=text[:MAX_TEXT_CHARACTERS])


def _expire(outcome: Outcome) -> Outcome:
    if outcome.state != WAITING:
        return outcome
    return outcome._replace(
        state=FAILED, status=EXPIRED, answer=outcome.answer or "nothing was delivered in time"
    )
