from __future__ import annotations

import io

import pytest
from rich.console import Console

from converters.errors import ToolkitError
from pipeline import display as module
from pipeline.display import STAGES, ConsoleDisplay
from pipeline.driver import Result, State
from pipeline.store import Entry
from pipeline.task import Task


def task(name, stage="convert"):
    return Task(name, stage, {}, lambda context: None)


def result(name, state, stage="convert", reason="why", error=None):
    return Result(task(name, stage), state, reason, error=error)


@pytest.fixture
def shown():
    """A display that is not on a terminal, and what it has said so far."""
    stream = io.StringIO()
    display = ConsoleDisplay(Console(file=stream, width=80))
    return display, stream.getvalue


def test_an_unchanged_stage_is_one_line_at_the_end_with_its_count_and_reason(shown):
    display, said = shown
    for name in ("a", "b"):
        display.finished(result(name, State.UNCHANGED))
    assert said() == ""
    display.summary()
    assert said() == "  = convert: nothing to do, all 2 results are unchanged (same inputs, same code)\n"


def test_a_task_reported_twice_is_counted_once(shown):
    display, said = shown
    display.finished(result("a", State.UNCHANGED))
    display.finished(result("a", State.UNCHANGED))
    display.summary()
    assert "its result is unchanged" in said()


def test_a_stage_in_which_something_ran_is_not_called_unchanged(shown):
    display, said = shown
    display.finished(result("a", State.UNCHANGED))
    display.finished(result("b", State.DONE))
    display.summary()
    assert "nothing to do" not in said()
    assert "✓ b" in said()


def test_every_stage_that_a_plan_can_have_is_summed_up(shown):
    display, said = shown
    for stage in STAGES:
        display.finished(result(stage, State.UNCHANGED, stage))
    display.summary()
    assert [line.split()[1].rstrip(":") for line in said().splitlines()] == list(STAGES)


def test_blocked_tasks_are_counted_not_listed(shown):
    display, said = shown
    for name in ("a", "b", "c"):
        display.finished(result(name, State.BLOCKED, error=ToolkitError("x")))
    assert said() == ""
    display.summary()
    assert "3 tasks were blocked by what failed" in said()


def test_a_failure_is_said_at_once_by_its_first_line(shown):
    display, said = shown
    display.finished(result("a", State.FAILED, error=ToolkitError("no such operator\nand 90 lines more")))
    assert "✗ a  no such operator\n" in said()
    assert "90 lines" not in said()


@pytest.mark.parametrize("error", [ToolkitError(""), None])
def test_an_error_without_words_still_gives_a_line(shown, error):
    display, said = shown
    display.finished(result("a", State.FAILED, error=error))
    assert "✗ a" in said()


def test_verdicts_are_left_to_the_report(shown):
    display, said = shown
    display.finished(result("judge x", State.DONE, "judge"))
    display.summary()
    assert said() == ""


def test_verbose_says_every_task_and_why(shown):
    display, said = shown
    display.verbose = True
    display.started(task("a"), "changed: recipe")
    display.finished(result("a", State.UNCHANGED, reason="nothing to do: its inputs are unchanged"))
    display.finished(result("b", State.BLOCKED, reason="a has no result", error=ToolkitError("died")))
    assert "… a (changed: recipe)" in said()
    assert "= a  nothing to do" in said()
    assert "⊘ b  a has no result: died" in said()


def test_names_with_brackets_are_text_not_markup(shown):
    display, said = shown
    display.warn("[red]x[/]")
    display.finished(result("run@arm64[cortex-a53]", State.FAILED, error=ToolkitError("[bold]no[/bold] [/]")))
    assert "[red]x[/]" in said()
    assert "run@arm64[cortex-a53]" in said()
    assert "[bold]no[/bold] [/]" in said()


def step(number, **more):
    return {"epoch": 1, "epochs": 2, "step": number, "steps": 10, "loss": 0.5, "accuracy": 0.75, **more}


def test_without_a_terminal_progress_speaks_only_now_and_then(shown, monkeypatch):
    display, said = shown
    clock = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    training = task("train m", "train")
    display.started(training, "never made here")
    for number in range(100):
        clock[0] += 0.25
        display.progress(training, step(number % 10))
    lines = [line for line in said().splitlines() if "epoch" in line]
    assert 1 <= len(lines) <= 25 / module.QUIET_LINE_S
    assert "epoch 1/2  loss 0.500  accuracy 75.0%" in lines[0]


def test_a_warning_in_progress_is_said_at_once(shown):
    display, said = shown
    training = task("train m", "train")
    display.started(training, "")
    display.progress(training, {"warning": "the checkpoint is damaged: started anew"})
    assert "warning: train m: the checkpoint is damaged" in said()


@pytest.mark.parametrize("event", [{}, {"step": 3}, {"epoch": 1, "epochs": 0}, {"step": 1, "steps": 0}])
def test_progress_that_lacks_numbers_never_ends_a_run(shown, event, monkeypatch):
    display, _ = shown
    monkeypatch.setattr(module, "QUIET_LINE_S", -1.0)
    training = task("train m", "train")
    display.started(training, "")
    display.progress(training, event)


def test_piped_output_has_no_escape_codes(shown):
    display, said = shown
    with display:
        training = task("train m", "train")
        display.started(training, "never made here")
        display.progress(training, step(1))
        display.finished(result("train m", State.DONE, "train"))
        display.warn("x")
        display.summary()
    assert "\x1b" not in said()
    assert "✓ train m" in said()


def test_on_a_terminal_a_bar_moves_and_is_gone_at_the_end():
    stream = io.StringIO()
    display = ConsoleDisplay(Console(file=stream, force_terminal=True, width=100))
    with display:
        training = task("train m", "train")
        display.started(training, "")
        display.progress(training, step(5, epoch=2))
        (bar,) = display._progress.tasks
        assert bar.percentage == pytest.approx(75.0)
        display.finished(Result(training, State.DONE, "", Entry(None, "k", {}, 1.0)))
        assert display._progress.tasks == []
    assert "epoch 2/2" not in stream.getvalue().rpartition("✓")[2]


def test_every_state_has_a_mark():
    assert set(module._MARK) == set(State)
