import io
import socket
from pathlib import Path

import pytest
from rich.console import Console

from postroom.demo.mailbox import DemoMessage
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
