"""contrib/grafana/postroom.json: whatever it shows, the server tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from postroom.bench.server import ServerProcess, find_free_port

DASHBOARD = Path(__file__).parents[2] / "contrib" / "grafana" / "postroom.json"
_METRIC = re.compile(r"\b(?:postroom|process)_[a-z_]+")
_LABELS = re.compile(r"by \(([a-z_, ]+)\)")


def iter_expressions() -> Iterator[str]:
    found = json.loads(DASHBOARD.read_text("utf-8"))
    for panel in found["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for variable in found["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def test_the_metrics_exist(tmp_path: Path) -> None:
    listen = f"127.0.0.1:{find_free_port()}"
    path = tmp_path / "postroom.toml"
    path.write_text(f'data_dir = "{tmp_path}/data"\n[http]\nlisten = "{listen}"\n[lmtp]\nlisten = ""\n')
    with ServerProcess(path, listen=listen, log_path=tmp_path / "log") as server:
        server.get_text("/healthz")
        text = server.get_text("/metrics")
    told: dict[str, str] = {}
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        told |= {name + end: kind for end in ends}
    expressions = list(iter_expressions())
    assert len(expressions) > 20
    for expression in expressions:
        named = _METRIC.findall(expression)
        assert named
        assert [name for name in named if name not in told] == [], expression
        for name in named:
            # What only grows is shown as a rate, and nothing else is.
            grows = told[name] in {"counter", "histogram"}
            assert grows == (f"rate({name}" in expression), expression


def test_the_panels_are_apart() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels) == len({panel["id"] for panel in panels})
