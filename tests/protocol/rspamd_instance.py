"""A private rspamd: own configuration, data and log, loopback only, free ports; gone with its context.

It has no rules but that for the test message that every spam filter knows (GTUBE), and a classifier that learns.
Each of its processes makes the files of the classifier where they are missing; one that finds them locked by another
goes on without them. So the controller makes them alone before all is started.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postroom.bench.server import find_free_port

PASSWORD = "a password of the controller"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

# A short list of top-level domains is compiled at once; the one that comes with it takes a minute.
_CONFIGURATION = """
options {{
  pidfile = "{root}/rspamd.pid";
  tempdir = "{root}";
  hs_cache_dir = "{root}";
  control_socket = "{root}/control.sock mode=0600";
  url_tld = "{root}/domains";
  filters = "";
  dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "file"; filename = "{root}/rspamd.log"; level = "info"; }}
{scanner}
worker "controller" {{
  bind_socket = "127.0.0.1:{controller}";
  count = 1;
  password = "{password}";
  secure_ip = "127.0.0.254";
}}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
classifier "bayes" {{
  tokenizer {{ name = "osb"; }}
  cache {{ type = "sqlite3"; path = "{root}/learned.sqlite"; }}
  backend = "sqlite3";
  min_tokens = 1;
  min_learns = 1;
  statfile {{ symbol = "BAYES_HAM"; path = "{root}/ham.sqlite"; spam = false; }}
  statfile {{ symbol = "BAYES_SPAM"; path = "{root}/spam.sqlite"; spam = true; }}
}}
group "statistics" {{ symbols = {{ "BAYES_SPAM" {{ weight = 9; }} "BAYES_HAM" {{ weight = -3; }} }} }}
"""
_SCANNER = 'worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}'


def missing() -> str:
    """Return why no private rspamd can run here; "" if one can."""
    if shutil.which("rspamd") is None:
        return "rspamd is not installed: apt-get install rspamd"
    return ""


@dataclass(frozen=True)
class RunningRspamd:
    """A running rspamd."""

    url: str
    controller_url: str
    root: Path

    def log(self) -> str:
        """Return what it has logged so far."""
        path = self.root / "rspamd.log"
        return path.read_text(errors="replace") if path.exists() else ""


@contextmanager
def running_rspamd(root: Path) -> Iterator[RunningRspamd]:
    """Run an rspamd in ``root``, whose path must be short."""
    port, controller = find_free_port(), find_free_port()
    (root / "domains").write_text("test\norg\n")
    instance = RunningRspamd(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{controller}", root)
    with _running(instance, scanner="", controller=controller) as process:
        _wait_until(process, instance, lambda: "added backend sqlite3 for symbol BAYES_HAM" in instance.log())
    with _running(instance, scanner=_SCANNER.format(port=port), controller=controller) as process:
        _wait_until(process, instance, lambda: _is_open(port) and _is_open(controller))
        yield instance


@contextmanager
def _running(
    instance: RunningRspamd, *, scanner: str, controller: int
) -> Iterator["subprocess.Popen[bytes]"]:
    root = instance.root
    configuration = root / "rspamd.conf"
    configuration.write_text(
        _CONFIGURATION.format(root=root, scanner=scanner, controller=controller, password=PASSWORD)
    )
    command = shutil.which("rspamd")
    assert command is not None
    arguments = [command, "-f", "-c", str(configuration)]
    if os.geteuid() == 0:
        arguments += ["--insecure", "-u", "root", "-g", "root"]
    with (root / "start.log").open("ab") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait_until(
    process: "subprocess.Popen[bytes]", instance: RunningRspamd, is_done: Callable[[], bool]
) -> None:
    for _ in range(600):
        if is_done():
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(
        f"rspamd does not answer:\n{(instance.root / 'start.log').read_text()}\n{instance.log()}"
    )
