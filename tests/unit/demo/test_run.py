import io
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from postroom.bench.server import find_free_port
from postroom.demo.mailbox import DemoMessage, demo_messages
from postroom.demo.run import DemoOptions, deliver, run_demo
from postroom.errors import PostroomError
from tests.unit.bench.stubs import LMTPStub, served


def message(number: int, *, detail: str = "", text: str = "fine") -> DemoMessage:
    raw = f"Message-ID: <{number}@x.example>\r\n\r\n{text}\r\n".encode()
    return DemoMessage(
        f"<{number}@x.example>", raw, detail, is_unread=False, is_flagged=False, age_seconds=0.0
    )


async def test_messages_are_delivered_in_order_and_to_their_detail() -> None:
    stub = LMTPStub()
    messages = [message(1), message(2), message(3)]
    async with served(stub) as port:
        await deliver(messages, listen=f"127.0.0.1:{port}", address="user@example.test")
        # The stub knows no address with a detail: that the refusal comes shows what was asked for.
        with pytest.raises(PostroomError, match=r"refused <4@x\.example>: 550 5\.1\.1 no such user"):
            await deliver([message(4, detail="x")], listen=f"127.0.0.1:{port}", address="user@example.test")
    assert stub.messages == [one.raw for one in messages]


async def test_a_refusal_ends_the_delivery() -> None:
    stub = LMTPStub()
    async with served(stub) as port:
        with pytest.raises(PostroomError) as caught:
            await deliver(
                [message(1, text="refuse me"), message(2)],
                listen=f"127.0.0.1:{port}",
                address="user@example.test",
            )
    assert caught.value.code == "deliveryRefused"
    assert len(stub.messages) == 1


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "important").write_text("x")
    out = io.StringIO()
    assert run_demo(DemoOptions(data_dir=tmp_path), Console(file=out)) == 1
    assert "is no demonstration" in out.getvalue()
    assert [path.name for path in tmp_path.iterdir()] == ["important"]


def test_a_taken_port_is_explained(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "demo.json").write_text(
            f'{{"address":"demo@example.test","password":"x","http_listen":"{listen}","lmtp_listen":"127.0.0.1:1",'
            '"has_account":true}'
        )
        out = io.StringIO()
        assert run_demo(DemoOptions(data_dir=tmp_path), Console(file=out, soft_wrap=True)) == 1
    assert f"something listens at {listen} already" in out.getvalue()


def free_listen() -> str:
    return f"127.0.0.1:{find_free_port()}"


def start(data_dir: Path, log: Path, *more: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "postroom.demo", "--data-dir", str(data_dir), *more],
            stdout=out,
            stderr=out,
        )


def read_calls(process: subprocess.Popen[bytes], log: Path) -> list[str]:
    """Return the curl calls that the demonstration prints, when it is ready."""
    while "Ctrl-C stops" not in log.read_text():
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    return [line for line in log.read_text().splitlines() if line.startswith("curl ")]


def test_the_demonstration_serves_its_mails_and_keeps_them(tmp_path: Path) -> None:
    data_dir, log = tmp_path / "data", tmp_path / "out"
    expected = demo_messages("demo@example.test")
    process = start(data_dir, log, "--http-listen", free_listen(), "--lmtp-listen", free_listen())
    try:
        counter, newest, body = read_calls(process, log)
        unread = sum(message.is_unread for message in expected)
        assert json.loads(shell(counter)) == {"unreadCount": unread}
        mails = json.loads(shell(newest))
        assert mails["totalItems"] == len(expected)
        assert len(mails["items"]) == 10
        assert mails["items"][0]["messageId"] == expected[-1].message_id
        assert sum(mail["isFlagged"] for mail in mails["items"]) == sum(
            one.is_flagged for one in expected[-10:]
        )
        assert b"attached is the invoice" in shell(body)
        assert [path for path in (data_dir, *data_dir.rglob("*")) if path.stat().st_mode & 0o077] == []
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    # The second run starts the same server with the same password, and delivers nothing.
    again = tmp_path / "again"
    process = start(data_dir, again)
    try:
        assert read_calls(process, again)[:2] == [counter, newest]
        assert json.loads(shell(counter)) == {"unreadCount": unread}
        assert "Delivering" not in again.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def shell(command: str) -> bytes:
    return subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, check=True).stdout
