"""Composing: the same in a helper, in the loop and in a thread, with the digest that any message gets."""

import asyncio
import threading

import msgspec
import pytest

from postroom.compose.addresses import Address
from postroom.compose.message import AttachedFile, Fields, compose_message
from postroom.content import work as work_module
from postroom.content.compose import Composed, ComposeTask, compose
from postroom.content.digest import digest_message
from postroom.content.pool import HelperPool
from postroom.content.tasks import MAX_SOURCE_BYTES, decode_result, encode_task, perform
from postroom.content.work import ContentWork
from postroom.errors import PostroomError
from postroom.model.mail import Summary

FIELDS = Fields(
    from_=Address("Ann", "ann", "example.test"),
    to=(Address("Jörg", "bob", "other.test"),),
    bcc=(Address("", "carl", "other.test"),),
    subject="Größe",
    body_text="At noon?",
    body_html="<p>At noon?</p>",
    message_id="<1@example.test>",
    date=1_750_000_000,
    read_receipt_to=Address("", "ann", "example.test"),
    extra=(("X-Note", "yes"),),
)
FILE = AttachedFile("a.bin", "application/octet-stream", "", False, bytes(range(256)))


def test_it_is_digested_as_any_message() -> None:
    made = compose(ComposeTask(FIELDS, (FILE,)))
    assert made.raw == compose_message(FIELDS, [FILE])
    assert made.digest == digest_message(made.raw)
    assert made.digest.has_attachments
    summary = msgspec.msgpack.decode(made.digest.summary, type=Summary)
    assert (summary.subject, summary.bcc, summary.return_receipt) == ("Größe", "carl@other.test", True)
    assert not made.needs_smtputf8
    assert not made.is_8bit


def test_what_it_takes_to_send_it() -> None:
    umlaut = compose(ComposeTask(FIELDS._replace(to=(Address("", "jörg", "other.test"),))))
    assert (umlaut.needs_smtputf8, umlaut.is_8bit) == (True, True)
    inner = compose_message(FIELDS).replace(b"At noon", "Grüße".encode())
    attached = compose(ComposeTask(FIELDS, (AttachedFile("m.eml", "message/rfc822", "", False, inner),)))
    assert (attached.needs_smtputf8, attached.is_8bit) == (False, True)


def test_a_task_passes_through_a_frame() -> None:
    task = ComposeTask(FIELDS, (FILE,))
    answer = perform(encode_task(task)[4:])
    assert decode_result(ComposeTask, answer[4:]) == compose(task)


async def test_a_helper_composes_what_the_loop_would() -> None:
    pool = HelperPool(1)
    try:
        work = ContentWork(pool)
        expected = compose(ComposeTask(FIELDS, (FILE,)))
        assert await work.compose(FIELDS, [FILE]) == expected
        async with asyncio.timeout(30):
            while await pool.run(ComposeTask(FIELDS)) is None:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.02)
        assert await pool.run(ComposeTask(FIELDS, (FILE,))) == expected
        assert await work.compose(FIELDS, [FILE]) == expected
        with pytest.raises(PostroomError) as raised:
            await work.compose(FIELDS._replace(subject="x\r\nBcc: y@z.test"))
        assert raised.value.details == {"parameter": "subject"}
    finally:
        await pool.close()


async def test_only_a_large_message_is_worth_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def compose_and_tell(task: ComposeTask) -> Composed:
        threads.append(threading.get_ident())
        return compose(task)

    monkeypatch.setattr(work_module, "compose", compose_and_tell)
    large = FILE._replace(content=b"x" * MAX_SOURCE_BYTES)
    assert (await ContentWork().compose(FIELDS, [large])).raw == compose_message(FIELDS, [large])
    await ContentWork().compose(FIELDS)
    assert threads[0] != threading.get_ident()
    assert threads[1:] == [threading.get_ident()]
