"""Reports that a verdict asks for, as messages for the sender's Inbox (RFC 3461 §5.2, RFC 3464)."""

import uuid
from collections.abc import Callable, Sequence

from postroom.compose.reports import Report, delay_report, failure_report, success_report
from postroom.config.sending import SendingConfig
from postroom.domain.queue_verdicts import Told, Verdict
from postroom.model.outgoing import Outgoing, OutgoingRecipient


def render_notices(
    message: Outgoing,
    verdict: Verdict,
    content: bytes,
    *,
    hostname: str,
    sending: SendingConfig,
    now: int,
) -> list[bytes]:
    """Return the reports that a verdict asks for; most ask for none.

    Args:
        message: what they are about.
        verdict: what became of it.
        content: the message as it left.
        hostname: the name of this server.
        sending: the waiting times.
        now: the present time in Unix seconds.
    """
    asked: tuple[tuple[Callable[[Report], bytes], Sequence[Told]], ...] = (
        (failure_report, verdict.failures),
        (delay_report, verdict.delays),
        (success_report, verdict.successes),
    )
    return [
        render(
            Report(
                hostname=hostname,
                message_id=f"<{uuid.uuid4()}@{hostname}>",
                date=now,
                sender=message.sender,
                recipients=[_as_told(one) for one in told],
                original=content,
                arrived_at=message.created_at // 1000,
                last_attempt_at=now,
                retries_until=message.release_at // 1000 + sending.give_up_hours * 3600,
                envid=message.envid,
                ret=message.ret,
            )
        )
        for render, told in asked
        if told
    ]


def _as_told(told: Told) -> OutgoingRecipient:
    outcome = told.outcome
    return told.recipient._replace(
        state=outcome.state, status=outcome.status, answer=outcome.answer, remote=outcome.remote
    )
