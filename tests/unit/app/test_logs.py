"""Lines of the log: one form for ours and for those of libraries."""

import json
import re
import subprocess
import sys

PROGRAM = """
import logging
import structlog
from postroom.app.logs import configure_logs
from postroom.config.logging import LoggingConfig

configure_logs(LoggingConfig(format={form!r}))
structlog.contextvars.bind_contextvars(request_id="abc")
structlog.get_logger("x").info("ours", size=1)
logging.getLogger("uvicorn.error").warning("theirs %s", "too")
logging.getLogger("other").info("not this")
try:
    secret = "geheim"
    1 / 0
except ZeroDivisionError:
    logging.getLogger("asyncio").exception("broken")
"""


def log(form: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(form=form)], capture_output=True, text=True, check=True
    )
    return done.stderr


def test_json() -> None:
    ours, theirs, broken = map(json.loads, log("json").splitlines())
    assert {name: ours[name] for name in ("event", "level", "size", "request_id")} == {
        "event": "ours",
        "level": "info",
        "size": 1,
        "request_id": "abc",
    }
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("theirs too", "warning", "uvicorn.error")
    assert theirs["request_id"] == "abc"
    assert "timestamp" in theirs
    assert "ZeroDivisionError" in broken["exception"]


def test_text() -> None:
    said = log("text")
    assert "theirs too" in said
    assert "request_id=abc" in said.replace("\x1b[36m", "").replace("\x1b[0m", "").replace("\x1b[35m", "")
    assert "ZeroDivisionError" in said
    assert "geheim" not in said.replace('secret = "geheim"', "")
    assert "not this" not in said


HOSTILE = r"""
import logging
import structlog
from postroom.app.logs import configure_logs
from postroom.config.logging import LoggingConfig

configure_logs(LoggingConfig(format="text"))
BAD = "\x1b[2J\r\nFORGED\x9b31m\u202e\x08\x00"
structlog.get_logger("x").warning("request", path=BAD, many=[BAD], raw=BAD.encode())
structlog.get_logger("x").warning(BAD)
logging.getLogger("uvicorn.error").warning("theirs %s", BAD)
try:
    raise ValueError(BAD)
except ValueError:
    structlog.get_logger("x").exception("broken")
"""


def test_what_strangers_choose_makes_no_lines_and_no_colours() -> None:
    done = subprocess.run([sys.executable, "-c", HOSTILE], capture_output=True, check=True)
    said = re.sub(r"\x1b\[\d*m", "", done.stderr.decode())  # Our own colours.
    lines = said.splitlines()
    assert all(line.isprintable() for line in lines)
    before = lines[: next(number for number, line in enumerate(lines) if "Traceback" in line)]
    assert len(before) == 4
    assert sum("FORGED" in line for line in before) == 3
    assert not [line for line in before if line.lstrip().startswith("FORGED")]


def test_a_log_that_cannot_be_written() -> None:
    """A full disk costs lines of the log; whoever writes them goes on."""
    for form in ("json", "text"):
        with open("/dev/full", "w") as full:  # noqa: PTH123 (no file)
            program = f"{PROGRAM.format(form=form)}\nprint('still here', flush=True)"
            done = subprocess.run(
                [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, text=True, check=False
            )
        assert done.stdout == "still here\n", form
