"""The benchmark from end to end: real server processes, with little mail and short measurements."""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from postroom.bench.attachment import make_large_message
from postroom.bench.mailbox import BenchMailbox
from postroom.bench.options import GROUPS, BenchOptions
from postroom.bench.processor import list_processes, read_usage
from postroom.bench.run import run_bench
from postroom.bench.server import ServerProcess, disk_bytes, find_free_port, run_postroom
from postroom.errors import PostroomError


def test_every_group_is_measured_and_written(tmp_path: Path) -> None:
    options = BenchOptions(
        sizes=(20,),
        seconds=0.2,
        repeats=1,
        connections=4,
        attachment_bytes=300_000,
        data_dir=tmp_path / "data",
        json_path=tmp_path / "bench.json",
        markdown_path=tmp_path / "bench.md",
    )
    out = io.StringIO()
    code = run_bench(options, Console(file=out, width=200))
    report = json.loads((tmp_path / "bench.json").read_text())
    assert code == 0, out.getvalue()
    assert report["complete"] is True
    found = {(one["group"], one["name"]): one for one in report["sizes"][0]["measurements"]}
    assert {group for group, _ in found} == set(GROUPS)
    assert all(one["failures"] == 0 for one in found.values())
    assert [name for (_, name), one in found.items() if _is_above_zero(one) and one["value"] <= 0] == []
    assert found["counter", "kept connections, session"]["cpu_us"] is not None
    assert found["deliveries", "transactions in a commit, mean"]["value"] >= 1
    assert "| kept connections, session |" in (tmp_path / "bench.md").read_text()
    assert "date, deep / date, newest" in out.getvalue()
    assert (tmp_path / "data" / "size-20" / "data").is_dir()


def _is_above_zero(measurement: dict[str, Any]) -> bool:
    """Return whether a figure is: what is left between two others may be zero or less."""
    return not any(words in measurement["name"] for words in (", more ", ", added to ", "memory of"))


def test_only_what_is_asked_for_is_measured(tmp_path: Path) -> None:
    options = BenchOptions(
        sizes=(20, 40), seconds=0.05, repeats=2, only=("counter",), json_path=tmp_path / "bench.json"
    )
    assert run_bench(options, Console(file=io.StringIO())) == 0
    results = json.loads((tmp_path / "bench.json").read_text())["sizes"]
    assert [result["size"] for result in results] == [20, 40]
    for result in results:
        assert {one["group"] for one in result["measurements"]} == {"counter"}
        assert all(len(one["repeats"]) == 2 for one in result["measurements"])


def test_a_mailbox_that_lost_mail_fails_the_benchmark(tmp_path: Path) -> None:
    mailbox = BenchMailbox(tmp_path, BenchOptions(), size=20)
    mailbox.create()
    with mailbox.serve() as server:
        api = mailbox.connect(server)
        mailbox.deliver([b"Subject: only one\r\n\r\nx\r\n"], connections=1)
        with pytest.raises(PostroomError, match=r"20 messages were delivered, but .* \(1, 1, 1\)"):
            mailbox.check_filled(api)
        api.close()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    config_path = tmp_path / "postroom.toml"
    config_path.write_text("[http]\nnonsense = 1\n")
    with pytest.raises(PostroomError, match="nonsense"):
        run_postroom("init", config_path=config_path)
    server = ServerProcess(config_path, listen=f"127.0.0.1:{find_free_port()}", log_path=tmp_path / "log")
    with pytest.raises(PostroomError, match=r"the server ended with \d+\n.*nonsense"):
        server.__enter__()


def test_a_store_that_cannot_be_reached_ends_the_benchmark(tmp_path: Path) -> None:
    options = BenchOptions(sizes=(20,), store_url=f"postgresql://nobody@127.0.0.1:{find_free_port()}/none")
    out = io.StringIO()
    assert run_bench(options, Console(file=out, soft_wrap=True)) == 2
    assert "postroom bench: postroom init ended with" in out.getvalue()
    assert "Interrupted" in out.getvalue()


def test_a_benchmark_that_is_ended_ends_its_server(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "postroom",
        "bench",
        "--size",
        "20",
        "--only",
        "counter",
        "--seconds",
        "60",
    ]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        server = find_server(process)
        process.terminate()
        assert process.wait(60) == 130, (tmp_path / "log").read_text()
    assert not Path(f"/proc/{server}").exists()


def find_server(process: "subprocess.Popen[bytes]") -> int:
    """Return the id of the server that a benchmark runs, once it does."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None
        for pid in list_processes(process.pid):
            with contextlib.suppress(OSError):
                if b"\0serve\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        time.sleep(0.02)
    raise AssertionError


def test_the_large_message_is_well_formed() -> None:
    raw = make_large_message(100_000, to="user@example.test")
    assert 133_000 < len(raw) < 140_000
    assert max(map(len, raw.split(b"\r\n"))) < 200


def test_disk_usage_counts_all_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(os.urandom(100_000))
    (tmp_path / "two").write_bytes(os.urandom(50_000))
    assert disk_bytes(tmp_path) >= 150_000


def test_processor_time_grows_with_work() -> None:
    before = read_usage(os.getpid())
    sum(number * number for number in range(3_000_000))
    used = read_usage(os.getpid()).since(before)
    assert used.server > 0
    assert used.busy > 0
    assert used.clock > 0
