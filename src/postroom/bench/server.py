"""Run a server as a child process, in the way a user does: ``postroom init``, ``account add``, ``serve``."""

import contextlib
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from postroom.bench.processor import list_processes
from postroom.errors import Kind, PostroomError

_PORTS = range(11_000, 32_768)
"""Below what Linux (32,768 on), the BSDs and macOS (49,152 on) give to outgoing connections, and above 10,080, the
last port there that browsers refuse."""
_READY_POLL_SECONDS = 0.004
_COMMAND_SECONDS = 300
_BYTES_PER_KIB = 1024


def find_free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free, and that the system gives to nobody who asks for any.

    Who waits for a server on a port that the system does give out (``ip_local_port_range``) may meet a stranger that
    got it first, or itself: a connection to such a port may have it at its own end, too.
    """
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Have SIGTERM raise ``KeyboardInterrupt`` in this block, so that servers which were started end with us."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def run_postroom(*arguments: str, config_path: Path, stdin: str = "") -> str:
    """Return what ``postroom ARGUMENTS --config CONFIG_PATH`` prints, run with this interpreter.

    Raises ``PostroomError`` (``commandFailed``) with the output when it does not end with 0.
    """
    done = subprocess.run(  # noqa: S603 -- our own program, no shell
        postroom_command(*arguments, config_path=config_path),
        input=stdin,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    if done.returncode:
        raise PostroomError(
            Kind.UNAVAILABLE,
            "commandFailed",
            f"postroom {' '.join(arguments)} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}",
        )
    return done.stdout


def postroom_command(*arguments: str, config_path: Path) -> Sequence[str]:
    """Return the command line of ``postroom ARGUMENTS`` with the configuration at ``config_path``."""
    return [sys.executable, "-m", "postroom", *arguments, "--config", str(config_path)]


def _environment() -> dict[str, str]:
    """Return our variables, but for the one that has a program compiled anew whenever it starts.

    An installed server is compiled once. Without this, a start would take twice as long as any user's, and so would
    that of each helper.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def add_account(address: str, password: str, *, config_path: Path, full_name: str = "") -> None:
    """Create an account through the command line."""
    names = ("--full-name", full_name) if full_name else ()
    run_postroom(
        "account", "add", address, "--password-stdin", *names, config_path=config_path, stdin=f"{password}\n"
    )


class ServerProcess:
    """``postroom serve`` in a process of its own, ready when the ``with`` block begins, ended when it ends.

    ``start_seconds`` is the time from starting the process to its first positive answer at /readyz. The output
    goes to ``log_path`` (appended), or where ours goes if that is None. A server that ends early, or is not ready
    in time, raises ``PostroomError`` (``serverFailed``) with the end of its log.
    """

    def __init__(
        self, config_path: Path, *, listen: str, log_path: Path | None = None, ready_seconds: float = 60
    ) -> None:
        self._config_path = config_path
        self.host, _, port = listen.rpartition(":")
        self.port = int(port)
        self._log_path = log_path
        self._ready_seconds = ready_seconds
        self._log: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes]
        self.start_seconds = 0.0

    def __enter__(self) -> Self:
        """Start the server and wait until it is ready."""
        self._log = self._log_path.open("ab") if self._log_path else None
        started_at = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603 -- our own program, no shell
            postroom_command("serve", config_path=self._config_path),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=_environment(),
            # A group of its own: Ctrl-C reaches the server only through us, once.
            process_group=0,
        )
        try:
            self._wait_until_ready(started_at + self._ready_seconds)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.perf_counter() - started_at
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    @property
    def pid(self) -> int:
        """The id of the server's process."""
        return self._process.pid

    def _wait_until_ready(self, deadline: float) -> None:
        while not self._is_ready():
            if self._process.poll() is not None:
                raise self._failure(f"the server ended with {self._process.returncode}")
            if time.perf_counter() > deadline:
                raise self._failure(f"the server was not ready after {self._ready_seconds:g} s")
            time.sleep(_READY_POLL_SECONDS)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _failure(self, message: str) -> PostroomError:
        end = ""
        if self._log_path and self._log_path.exists():
            end = "\n" + self._log_path.read_text(errors="replace")[-2000:].strip()
        return PostroomError(Kind.UNAVAILABLE, "serverFailed", message + end)

    def wait(self) -> int:
        """Return the exit code, when the server ends by itself."""
        return self._process.wait()

    def send_signal(self, number: int) -> None:
        """Pass a signal on to the server, if it still runs."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self, *, patience_seconds: float = 30) -> int:
        """End the server (SIGTERM, after ``patience_seconds`` SIGKILL) and return its exit code."""
        self.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if self._log:
            self._log.close()
            self._log = None
        return code

    def get_text(self, path: str) -> str:
        """Return the body of an unauthenticated GET, "" if the answer is not 200 (``/metrics``)."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.read().decode() if response.status == 200 else ""
        finally:
            connection.close()

    def resident_bytes(self) -> int:
        """Return the resident memory of the server and its helpers now (VmRSS)."""
        return self._read_status("VmRSS")

    def peak_resident_bytes(self) -> int:
        """Return the most resident memory since the start or the last reset, of each process (VmHWM)."""
        return self._read_status("VmHWM")

    def own_bytes(self) -> int:
        """Return the resident memory that is not the pages of mapped files (RssAnon)."""
        return self._read_status("RssAnon")

    def reset_peak(self) -> None:
        """Let the peak begin anew at the present size (proc(5), clear_refs 5)."""
        for pid in list_processes(self.pid):
            with contextlib.suppress(OSError):  # a process that ended in between
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _read_status(self, name: str) -> int:
        total = sum(_read_status(pid, name) for pid in list_processes(self.pid))
        if not total:
            raise PostroomError(Kind.INTERNAL, "serverFailed", f"the kernel does not tell {name}")
        return total


def _read_status(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # a process that ended in between
        return 0
    fields = {field: value for field, _, value in (line.partition(":") for line in lines)}
    # One that is ending gives its memory back first, and tells of none from then on.
    return int(fields[name].split()[0]) * _BYTES_PER_KIB if name in fields else 0


def disk_bytes(directory: Path) -> int:
    """Return the disk space that the files below ``directory`` occupy."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(Path(folder, name)).st_blocks * 512
            except FileNotFoundError:  # a temporary file that went in between
                continue
    return total
