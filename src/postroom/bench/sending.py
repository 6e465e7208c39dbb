"""Measurements of sending: mails accepted over the API, and mails handed to a relay by the queue's runner.

The undo window is long enough for all to be accepted before the first leaves, so that neither disturbs the other.
"""

import json
import time

from postroom.bench.load import HTTPLoad, run_http
from postroom.bench.processor import read_usage
from postroom.bench.results import Goal, make_figure
from postroom.bench.scenarios import Question, Scene, add_usage, make_measurement
from postroom.bench.smtp_sink import SMTPSink
from postroom.errors import Kind, PostroomError

_CONNECTIONS = 16
_WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.05
_BODY_WORDS = 300


def measure_sending(scene: Scene) -> None:
    """Send mails, and wait until all of them have arrived."""
    count = scene.mailbox.sends
    path = "/api/v1/mails/send"
    load = HTTPLoad(
        paths=[path] * count,
        connections=_CONNECTIONS,
        requests=count,
        method="POST",
        body=json.dumps(
            {"to": "somebody@elsewhere.test", "subject": "Benchmark", "bodyText": "words " * _BODY_WORDS}
        ),
        headers={**scene.api.headers, "Content-Type": "application/json"},
    )
    with SMTPSink(scene.mailbox.relay_port) as sink:
        before = read_usage(scene.server.pid)
        result = run_http(scene.server.host, scene.server.port, load)
        used = read_usage(scene.server.pid).since(before)
        asked = Question(group="sending", name=f"accepted, {_CONNECTIONS} connections", goal=Goal(500))
        scene.take(add_usage(make_measurement([result], asked), [result], [used]))
        _await_arrivals(sink, count)
        seconds = sink.arrivals[-1] - sink.arrivals[0]
        rate = (count - 1) / seconds
        scene.take(make_figure("sending", "handed to a relay", unit="/s", repeats=[rate], goal=Goal(300)))


def _await_arrivals(sink: SMTPSink, count: int) -> None:
    deadline = time.perf_counter() + _WAIT_SECONDS
    while len(sink.arrivals) < count:
        if time.perf_counter() > deadline:
            raise PostroomError(
                Kind.INTERNAL,
                "benchmarkFailed",
                f"{count} mails were sent, and {len(sink.arrivals)} have arrived at the relay",
            )
        time.sleep(_POLL_SECONDS)
