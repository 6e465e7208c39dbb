import io
import json

import msgspec
import pytest
from rich.console import Console

from postroom.bench.options import BenchOptions
from postroom.bench.report import compare_within, print_report, render_json, render_markdown, render_number
from postroom.bench.results import (
    Goal,
    Machine,
    Measurement,
    Report,
    SizeResult,
    describe_machine,
    make_figure,
    size_ratio,
)
from postroom.bench.run import read_mean, run_bench
from postroom.errors import PostroomError


def rate(group: str, name: str, value: float, **more: object) -> Measurement:
    return msgspec.structs.replace(make_figure(group, name, unit="/s", repeats=[value]), **more)


def make_report() -> Report:
    small = [
        rate("counter", "kept", 24_374.4, p99_ms=0.91, goal=Goal(20_000), p99_goal_ms=5.0),
        rate("list", "date, newest", 2_400.0, goal=Goal(2_000)),
    ]
    large = [
        rate(
            "counter",
            "kept",
            12_187.2,
            p99_ms=7.25,
            cpu_us=81.6,
            other_cores=0.9,
            goal=Goal(20_000),
            p99_goal_ms=5.0,
            note="a note",
        ),
        rate("list", "date, newest", 2_200.0, goal=Goal(2_000)),
        rate("list", "date, deep", 1_100.0, failures=3),
        make_figure("server", "memory, idle", unit="MB", repeats=[80.0], goal=Goal(90, at_most=True)),
    ]
    machine = Machine("A Processor", 2, 8 * 2**30, "Linux 6.1", "CPython 3.11.7", {"apsw": "3.54"})
    return Report(
        command="postroom bench --size 1000",
        started_at="2025-01-01T00:00:00+00:00",
        store="sqlite",
        seconds=2,
        repeats=3,
        machine=machine,
        sizes=[SizeResult(1_000, small), SizeResult(100_000, large)],
    )


def test_markdown_has_a_table_for_each_group() -> None:
    text = render_markdown(make_report())
    assert "- Command: `postroom bench --size 1000` (3 repeats of 2 s)" in text
    assert "- Machine: 2 cores (A Processor), 8 GiB, Linux 6.1" in text
    assert "|  | 1,000 mails | 100,000 mails | Unit | p99 | CPU | Ratio | Goal |" in text
    assert "| kept | 24,374 | **12,187** | /s | 7.2 ms | 82 µs | 0.50 | ≥ 20,000, p99 ≤ 5 ms |" in text
    assert "| date, deep | – | **1,100 (3 failed)** | /s |  |  |  |  |" in text
    assert "| memory, idle | – | 80.0 | MB |  |  |  | ≤ 90 |" in text
    assert "| date, deep / date, newest | 0.50 | ≥ 0.70 |" in text
    assert "- Unread counter, kept: a note" in text
    assert text.index("## Unread counter") < text.index("## List of 50 mails") < text.index("## Server")


def test_a_single_size_has_no_ratio() -> None:
    report = make_report()
    text = render_markdown(msgspec.structs.replace(report, sizes=report.sizes[:1]))
    assert "|  | 1,000 mails | Unit | p99 | CPU | Goal |" in text


def test_json_is_the_whole_report() -> None:
    decoded = json.loads(render_json(make_report()))
    assert decoded["machine"]["cores"] == 2
    assert decoded["sizes"][1]["measurements"][0]["value"] == 12_187.2
    assert decoded["sizes"][1]["measurements"][3]["goal"] == {"bound": 90, "at_most": True}


def test_the_printed_table_is_plain_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    print_report(make_report(), Console(file=out, width=160))
    lines = out.getvalue().splitlines()
    assert "\x1b" not in out.getvalue()
    assert any(
        line.split()
        == [
            "kept",
            "24,374",
            "12,187",
            "/s",
            "7.2",
            "ms",
            "82",
            "µs",
            "0.50",
            "≥",
            "20,000,",
            "p99",
            "≤",
            "5",
            "ms",
        ]
        for line in lines
    )
    assert "date, deep / date, newest: 0.50 (goal ≥ 0.70)" in lines


def test_goals() -> None:
    assert rate("a", "b", 10, goal=Goal(10)).goal_met is True
    assert rate("a", "b", 9.9, goal=Goal(10)).goal_met is False
    assert rate("a", "b", 9.9, goal=Goal(10, at_most=True)).goal_met is True
    assert rate("a", "b", 11, goal=Goal(10), p99_ms=6.0, p99_goal_ms=5.0).goal_met is False
    assert rate("a", "b", 11, goal=Goal(10), failures=1).goal_met is False
    assert rate("a", "b", 11).goal_met is None


def test_the_value_is_the_median_of_the_repeats() -> None:
    assert make_figure("a", "b", unit="s", repeats=[3.0, 1.0, 2.0]).value == 2.0


def test_ratios_compare_the_largest_with_the_smallest() -> None:
    assert size_ratio({1: rate("a", "b", 10), 5: rate("a", "b", 7), 20: rate("a", "b", 5)}) == 0.5
    assert size_ratio({1: rate("a", "b", 10)}) is None
    assert compare_within(make_report()) == [("date, deep / date, newest", 0.5, 0.7)]


def test_the_machine_is_described() -> None:
    machine = describe_machine()
    assert machine.cores >= 1
    assert machine.memory_bytes > 2**28
    assert machine.versions["postroom"]


@pytest.mark.parametrize(
    ("value", "text"), [(24374.4, "24,374"), (312.46, "312.5"), (0.7341, "0.734"), (2.0, "2"), (0, "0")]
)
def test_numbers(value: float, text: str) -> None:
    assert render_number(value) == text


def test_quick_means_small_and_short() -> None:
    quick = BenchOptions(quick=True).checked()
    assert (quick.sizes, quick.seconds, quick.repeats) == ((1_000,), 0.5, 1)
    assert BenchOptions(quick=True, sizes=(50,)).checked().sizes == (50,)


@pytest.mark.parametrize(
    "options",
    [
        BenchOptions(sizes=()),
        BenchOptions(sizes=(5,)),
        BenchOptions(seconds=0),
        BenchOptions(repeats=0),
        BenchOptions(only=("nothing",)),
    ],
)
def test_unusable_options_are_refused(options: BenchOptions) -> None:
    with pytest.raises(PostroomError):
        options.checked()
    out = io.StringIO()
    assert run_bench(options, Console(file=out)) == 2
    assert out.getvalue().startswith("postroom bench: ")


def test_the_command_tells_no_password() -> None:
    options = BenchOptions(sizes=(20, 30), store_url="postgresql://me:secret@db/x", only=("list",))
    assert options.command() == (
        "postroom bench --size 20 --size 30 --store postgresql://… --only list --seconds 2 --repeats 3"
    )


def test_the_mean_of_a_histogram_is_read_from_metrics() -> None:
    text = (
        "# TYPE postroom_size histogram\n"
        'postroom_size_bucket{le="1.0"} 1.0\npostroom_size_bucket{le="+Inf"} 4.0\n'
        "postroom_size_count 4.0\npostroom_size_sum 10.0\n"
    )
    assert read_mean(text, "postroom_size") == 2.5
    assert read_mean(text, "postroom_other") is None
    assert read_mean("", "postroom_size") is None
