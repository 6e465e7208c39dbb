"""Drive the compiled load client ``loadclient.c``: typed requests in, typed figures out.

The client is our own: one C file and no dependency, one thread on epoll, and it speaks LMTP besides HTTP,
which ``wrk`` does not. It is compiled with the system's C compiler at first use, into the user's cache
directory under the hash of its source and of the compiler's name, and reused from then on.

Every connection is a closed loop, so requests per second and latency belong together: with ``n`` connections
the mean latency is ``n`` divided by the rate.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path

import msgspec

from postroom.errors import Kind, PostroomError

_COMPILER_FLAGS = ("-O2", "-std=gnu11")
_CLIENT_EXIT_SECONDS = 7200


class Latency(msgspec.Struct, frozen=True):
    """Latencies of the finished requests or messages, in microseconds."""

    mean: float
    p50: int
    p90: int
    p99: int
    max: int


class ConnectionErrors(msgspec.Struct, frozen=True):
    """What went wrong below the protocol: refused connections, lost ones, answers that make no sense."""

    connect: int
    io: int
    protocol: int

    @property
    def total(self) -> int:
        """All of them together."""
        return self.connect + self.io + self.protocol


class LoadResult(msgspec.Struct, frozen=True):
    """One run of the load client; ``statuses`` counts the answers by HTTP status or SMTP reply code."""

    seconds: float
    finished: int
    bytes_in: int
    bytes_out: int
    errors: ConnectionErrors
    statuses: dict[str, int]
    latency: Latency
    client_cpu_seconds: float
    first_refusal: str

    @property
    def per_second(self) -> float:
        """Finished requests or messages per second, whatever their status."""
        return self.finished / self.seconds if self.seconds else 0.0

    def unexpected(self, expected: str) -> int:
        """Return how many answers had another status than ``expected``, connection errors included."""
        return self.finished - self.statuses.get(expected, 0) + self.errors.total


class HTTPLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask: ``paths`` in turn over all ``connections``, for ``seconds`` or up to ``requests`` of them.

    ``fresh`` opens a connection for each request. ``first`` is the index of the path to begin with, so that a
    repeated run goes on where the last one ended. Counting starts after ``warmup_seconds``.
    """

    paths: Sequence[str]
    connections: int = 16
    seconds: float = 0
    requests: int = 0
    warmup_seconds: float = 0
    fresh: bool = False
    first: int = 0
    method: str = "GET"
    headers: Mapping[str, str] = {}
    body: str | None = None


def run_http(host: str, port: int, load: HTTPLoad) -> LoadResult:
    """Return what ``load`` measured against the HTTP server at ``host`` (an IPv4 address) and ``port``.

    Raises ``PostroomError`` (``loadClientFailed``, ``noCompiler``) when it could not run.
    """
    arguments = [
        "http",
        host,
        str(port),
        f"--connections={load.connections}",
        f"--seconds={load.seconds}",
        f"--warmup={load.warmup_seconds}",
        f"--requests={load.requests}",
        f"--first={load.first}",
        f"--method={load.method}",
        *(f"--header={name}: {value}" for name, value in load.headers.items()),
    ]
    if load.fresh:
        arguments.append("--fresh")
    if load.body is not None:
        arguments.append(f"--body={load.body}")
    with _memory_file("paths", (f"{path}\n".encode() for path in load.paths)) as paths_fd:
        return _run([*arguments, f"--paths=/dev/fd/{paths_fd}"], pass_fds=[paths_fd])


def run_lmtp(listen: str, messages: Iterable[bytes], *, to: str, connections: int) -> LoadResult:
    """Return what delivering ``messages`` to the recipient ``to`` measured.

    ``listen`` is ``host:port`` or ``unix:/path``. The messages (raw, dots not stuffed) are held in memory,
    away from the disk that the server writes to, before the clock starts: pass slices of a few thousand.

    Raises ``PostroomError`` (``loadClientFailed``, ``noCompiler``) when it could not run.
    """
    host, _, port = (listen, ":", "0") if listen.startswith("unix:") else listen.rpartition(":")
    framed = (part for message in messages for part in (len(message).to_bytes(4, "big"), message))
    with _memory_file("corpus", framed) as corpus_fd:
        arguments = ["lmtp", host, port, f"--connections={connections}", f"--to={to}"]
        return _run([*arguments, f"--corpus=/dev/fd/{corpus_fd}"], pass_fds=[corpus_fd])


class _MemoryFile:
    """An unnamed file in memory that a child process can open as ``/dev/fd/N``."""

    def __init__(self, name: str) -> None:
        self.fd = os.memfd_create(name)

    def __enter__(self) -> int:
        return self.fd

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)


def _memory_file(name: str, parts: Iterable[bytes]) -> _MemoryFile:
    file = _MemoryFile(name)
    with os.fdopen(file.fd, "wb", buffering=1 << 20, closefd=False) as stream:
        stream.writelines(parts)
    return file


def _run(arguments: Sequence[str], *, pass_fds: Sequence[int]) -> LoadResult:
    command = [str(compile_client())]
    for argument in arguments:
        name, separator, value = argument.partition("=")
        command += [name, value] if argument.startswith("--") and separator else [argument]
    done = subprocess.run(  # noqa: S603 -- our own binary, no shell
        command, capture_output=True, pass_fds=tuple(pass_fds), timeout=_CLIENT_EXIT_SECONDS, check=False
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise PostroomError(Kind.UNAVAILABLE, "loadClientFailed", f"the load client could not run: {reason}")
    return msgspec.json.decode(done.stdout, type=LoadResult)


def compile_client(*, cache_dir: Path | None = None) -> Path:
    """Return the path of the compiled client, compiling it if this version is not in ``cache_dir``.

    ``cache_dir`` is ``$XDG_CACHE_HOME/postroom`` (or ``~/.cache/postroom``) by default, a temporary
    directory if that cannot be written. The compiler is ``$CC``, else ``cc``. Raises ``PostroomError``
    (``noCompiler``).
    """
    source = resources.files(__name__).joinpath("loadclient.c").read_bytes()
    compiler = os.environ.get("CC") or "cc"
    digest = hashlib.sha256(b"\0".join([source, compiler.encode(), *map(str.encode, _COMPILER_FLAGS)]))
    directory = _writable(cache_dir or _default_cache_dir())
    binary = directory / f"loadclient-{digest.hexdigest()[:16]}"
    if not binary.exists():
        _compile(source, compiler, binary)
    return binary


def _default_cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "postroom"


def _writable(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="postroom-load-"))
    return directory if os.access(directory, os.W_OK) else Path(tempfile.mkdtemp(prefix="postroom-load-"))


def _compile(source: bytes, compiler: str, binary: Path) -> None:
    if shutil.which(compiler) is None:
        raise PostroomError(
            Kind.UNAVAILABLE,
            "noCompiler",
            f"the benchmark's load client is written in C, and no compiler {compiler!r} was found: "
            "install one (on Debian: apt-get install gcc libc6-dev) or name one in the variable CC",
        )
    with tempfile.TemporaryDirectory(dir=binary.parent) as scratch:
        source_path, output_path = Path(scratch, "loadclient.c"), Path(scratch, "loadclient")
        source_path.write_bytes(source)
        done = subprocess.run(  # noqa: S603 -- the compiler that the user chose, no shell
            [compiler, *_COMPILER_FLAGS, "-o", str(output_path), str(source_path)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip()
            raise PostroomError(
                Kind.UNAVAILABLE, "noCompiler", f"{compiler} could not compile the load client: {reason}"
            )
        # A rename is atomic, so that two benchmarks that start at once never run half a file.
        output_path.rename(binary)
