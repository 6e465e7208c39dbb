"""`postroom queue …`."""

import asyncio
import json as json_module
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from postroom.cli.options import DEFAULTS, Options, opened_store
from postroom.cli.terminal import say, say_table
from postroom.errors import bad_parameter

if TYPE_CHECKING:
    from postroom.domain.queue_admin import QueueAdmin, QueuedMessage
    from postroom.model.outgoing import OutgoingRecipient

Flag = Annotated[bool, Parameter(negative=())]
_SHOWN_RECIPIENTS = 3


def list_all(*, json: Flag = False, options: Options = DEFAULTS) -> None:
    """List the messages that wait: number, sender, recipients, next try (UTC), last error.

    Args:
        json: Write JSON, a line for each message.
        options: Where the configuration is.
    """

    async def work() -> None:
        rows = [("NUMBER", "SENDER", "RECIPIENTS", "NEXT TRY", "LAST ERROR")]
        async with _opened_queue(options) as queue:
            async for queued in queue.iter_waiting():
                if json:
                    say(json_module.dumps(_as_json(queued), ensure_ascii=False))
                else:
                    rows.append(_as_row(queued))
        if not json:
            say_table(rows if len(rows) > 1 else [("nothing waits",)])

    asyncio.run(work())


def show(processing_id: int, /, *, json: Flag = False, options: Options = DEFAULTS) -> None:
    """Show a message with its recipients, for as long as it is kept.

    Args:
        processing_id: The number of the message.
        json: Write JSON.
        options: Where the configuration is.
    """
    from postroom.model.outgoing import ProcessingId  # noqa: PLC0415 (commands start quickly)

    async def work() -> None:
        async with _opened_queue(options) as queue:
            queued = await queue.find(ProcessingId(processing_id))
        if json:
            say(json_module.dumps(_as_json(queued), indent=2, ensure_ascii=False))
            return
        _say_message(queued)

    asyncio.run(work())


def retry(
    processing_id: Annotated[int | None, Parameter()] = None,
    /,
    *,
    all: Flag = False,  # noqa: A002 (the name of the option)
    options: Options = DEFAULTS,
) -> None:
    """Try a message at once, or all that wait.

    Args:
        processing_id: The number of the message.
        all: Try all messages.
        options: Where the configuration is.
    """
    from postroom.model.outgoing import ProcessingId  # noqa: PLC0415 (commands start quickly)

    if (processing_id is None) != all:
        raise bad_parameter("processingId", "give the number of a message, or --all")

    async def work() -> None:
        async with _opened_queue(options) as queue:
            if processing_id is None:
                count = await queue.retry_all(now=_now())
            else:
                count = await queue.retry(ProcessingId(processing_id), now=_now())
        say(f"{_count(count, 'group')} of recipients will be tried at once")

    asyncio.run(work())


def cancel(processing_id: int, /, *, options: Options = DEFAULTS) -> None:
    """Send a message to nobody who has not got it; the sender is told nothing.

    Args:
        processing_id: The number of the message.
        options: Where the configuration is.
    """
    from postroom.model.outgoing import ProcessingId  # noqa: PLC0415 (commands start quickly)

    async def work() -> None:
        async with _opened_queue(options) as queue:
            count = await queue.cancel(ProcessingId(processing_id), now=_now())
        say(f"cancelled for {_count(count, 'recipient')}")

    asyncio.run(work())


def release(
    processing_id: Annotated[int | None, Parameter()] = None,
    /,
    *,
    all: Flag = False,  # noqa: A002 (the name of the option)
    options: Options = DEFAULTS,
) -> None:
    """Send a message that is held since a restore, or all that are: they may have been sent before.

    Args:
        processing_id: The number of the message.
        all: Send all messages that are held.
        options: Where the configuration is.
    """
    from postroom.model.outgoing import ProcessingId  # noqa: PLC0415 (commands start quickly)

    if (processing_id is None) != all:
        raise bad_parameter("processingId", "give the number of a message, or --all")

    async def work() -> None:
        async with _opened_queue(options) as queue:
            if processing_id is None:
                count = await queue.release_all(now=_now())
            else:
                count = await queue.release(ProcessingId(processing_id), now=_now())
        say(f"{_count(count, 'group')} of recipients released")

    asyncio.run(work())


def say_held(count: int) -> None:
    """Say that messages are held."""
    say(
        f"{_count(count, 'message')} may have been sent since, and will wait: postroom queue list, release, cancel"
    )


@asynccontextmanager
async def _opened_queue(options: Options) -> "AsyncIterator[QueueAdmin]":
    from postroom.domain.queue_admin import QueueAdmin  # noqa: PLC0415 (commands start quickly)

    async with opened_store(options.load_for_store()) as store:
        yield QueueAdmin(store)


def _now() -> int:
    return int(time.time() * 1000)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _date(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _as_row(queued: "QueuedMessage") -> tuple[str, str, str, str, str]:
    addresses = [recipient.address for recipient in queued.waiting]
    shown = ", ".join(addresses[:_SHOWN_RECIPIENTS])
    if len(addresses) > _SHOWN_RECIPIENTS:
        shown += f" and {len(addresses) - _SHOWN_RECIPIENTS} more"
    message = queued.message
    next_try = "held" if queued.is_held else _date(queued.next_try_at)
    if _is_leased(queued):
        next_try = "now"
    return (str(message.processing_id), message.sender or "<>", shown, next_try, queued.failure)


def _is_leased(queued: "QueuedMessage") -> bool:
    """Tell whether something of a message is being tried just now."""
    return any(group.leased_until > _now() for group in queued.groups)


def _say_message(queued: "QueuedMessage") -> None:
    message = queued.message
    rows = [
        ("number", str(message.processing_id)),
        ("kind", message.kind),
        ("sender", message.sender or "<>"),
        ("size", f"{message.size_bytes} bytes"),
        ("queued", _date(message.created_at)),
    ]
    rows += [
        (name, _date(value))
        for name, value in (
            ("not before", message.release_at),
            ("begun", message.started_at),
            ("delay told", message.delay_told_at),
            ("finished", message.finished_at),
            ("next try", queued.next_try_at),
        )
        if value
    ]
    if queued.is_held:
        rows.append(("held", "it may have been sent before the store was restored"))
    say_table(rows)
    say("")
    say_table([_describe(recipient) for recipient in queued.recipients])


def _describe(recipient: "OutgoingRecipient") -> tuple[str, str, str, str]:
    said = f"{recipient.remote}: {recipient.answer}" if recipient.remote else recipient.answer
    return (recipient.address, recipient.state, recipient.status, said)


def _as_json(queued: "QueuedMessage") -> dict[str, Any]:
    message = queued.message
    return {
        "processingId": message.processing_id,
        "kind": message.kind,
        "sender": message.sender,
        "sizeBytes": message.size_bytes,
        "createdAt": message.created_at,
        "releaseAt": message.release_at,
        "startedAt": message.started_at,
        "finishedAt": message.finished_at,
        "nextTryAt": queued.next_try_at,
        "isHeld": queued.is_held,
        "lastError": queued.failure,
        "recipients": [
            {
                "address": recipient.address,
                "destination": recipient.destination,
                "state": recipient.state,
                "status": recipient.status,
                "answer": recipient.answer,
                "remote": recipient.remote,
            }
            for recipient in queued.recipients
        ],
    }
