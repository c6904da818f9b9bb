"""Progress in a log file: few lines, each of them true."""

from types import SimpleNamespace

import pytest

from unlearn_core.cli import progress
from unlearn_core.cli.progress import LINE_SECONDS, ProgressBar
from unlearn_core.runs.status import Status


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(progress, "time", clock)
    return clock


def status(config, **changes):
    return Status(key=config.key(), method="rfa", seed=2, state="running", **changes)


def test_where_there_is_no_terminal_a_stage_is_a_line_and_a_step_is_none(capsys, clock, tiny):
    with ProgressBar(quiet=False) as bar:
        for step in range(100):
            bar(status(tiny, stage="unlearn", step=step, total=100))
        clock.now += LINE_SECONDS + 1
        bar(status(tiny, stage="unlearn", step=99, total=100))
        bar(status(tiny, stage="measure", step=100, total=100))
        bar.finished(tiny)
        bar.finished(tiny.retrained())  # was there before: nothing was shown of it
    assert capsys.readouterr().err.splitlines() == [
        "rfa, seed 2: unlearn, step 0 of 100",
        "rfa, seed 2: unlearn, step 99 of 100",
        "rfa, seed 2: measure, step 100 of 100",
        "original, seed 0: finished",
    ]


def test_a_terminal_has_one_bar_that_tells_the_time_left_and_is_cleared(
    capsys, monkeypatch, clock, tiny
):
    monkeypatch.setattr("tqdm.std.time", clock.monotonic)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with ProgressBar(quiet=False) as bar:
        bar(status(tiny, stage="unlearn"))
        for step in (1, 2):
            clock.now += 5
            bar(status(tiny, stage="unlearn", step=step, total=2))
        bar(status(tiny, stage="measure", step=2, total=2))
    shown = capsys.readouterr().err
    assert "\n" not in shown
    halves = [line for line in shown.split("\r") if "50%" in line]
    assert len(halves) == 1
    assert halves[0].startswith("rfa, seed 2: unlearn")
    assert "1/2 [00:05<00:05,  5.00s/step]" in halves[0]  # time taken, time left, rate
    assert "\rrfa, seed 2: measure" in shown
    assert shown.endswith("\r")


def test_quiet_is_quiet(capsys, tiny):
    with ProgressBar(quiet=True) as bar:
        bar(status(tiny, stage="unlearn", step=1, total=2))
        bar.finished(tiny)
        bar.note("no worker")
    assert capsys.readouterr().err == ""


def test_a_note_comes_at_most_every_ten_seconds(capsys, clock):
    with ProgressBar(quiet=False) as bar:
        for _ in range(3):
            bar.note("no worker")
        clock.now += LINE_SECONDS + 1
        bar.note("no worker")
    assert capsys.readouterr().err == "no worker\nno worker\n"
