"""Calls that may begin a job which outlives them: how they are declared, and answered."""

from typing import Any

from postroom.api.call import Call
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.batches import BatchBody, BatchResult, render_failed, render_job
from postroom.domain.jobs import WAITED_FOR, JobState
from postroom.domain.operations import Undoing
from postroom.errors import Kind, PostroomError


def batch(name: str, summary: str, body: type[BatchBody]) -> dict[str, Any]:
    """Return the declaration of a batch, as :func:`postroom.api.operation.operation` does."""
    return operation(
        name,
        summary,
        tag="batch",
        returns=BatchResult,
        begins=BatchResult,
        body=body,
        errors=("notFound", "tooManyRequests"),
    )


def reply_job(state: JobState) -> Reply:
    """Return 200 for a batch that is done with the call, 201 with its key for one that goes on."""
    if state.is_waited_for or state.total_items <= WAITED_FOR:
        return json_reply(render_job(state, with_key=False))
    return json_reply(render_job(state, with_key=True), status=201)


def reply_undoing(undoing: Undoing) -> Reply:
    """Return the answer to an undo: empty, or 201 if it is a job; raises ``conflict`` if some of it failed."""
    if undoing.job is not None:
        return reply_job(undoing.job)
    if undoing.failed:
        failed = render_failed(undoing.account_id, undoing.failed)
        raise PostroomError(
            Kind.CONFLICT,
            "conflict",
            "some of it could not be taken back, because it has changed since",
            details={"failedItems": failed},
        )
    return Reply()


async def reply_again(call: Call, job_key: str) -> Reply:
    """Return the answer to a call of the caller that began a job; raises ``notFound`` if that is gone."""
    job = await call.domain.jobs.find_again(call.caller, job_key)
    if job.kind == "undo":
        return reply_undoing(await call.domain.operations.settle(call.caller, job))
    return reply_job(await call.domain.jobs.proceed(job))
