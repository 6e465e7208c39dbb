"""Answers that a job may outlive."""

from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.batches import render_job
from postroom.domain.jobs import WAITED_FOR, JobState


def reply_job(state: JobState) -> Reply:
    """Return 200 for a batch that is done with the call, 201 with its key for one that goes on."""
    if state.total_items <= WAITED_FOR:
        return json_reply(render_job(state, with_key=False))
    return json_reply(render_job(state, with_key=True), status=201)
