from __future__ import annotations

import threading
import time

import pytest

from converters.errors import DiskFullError, ToolkitCrash, ToolkitError, UnsupportedError
from converters.worker import WorkerPool
from pipeline.driver import Driver, State, reason_to_run
from pipeline.store import Store
from pipeline.task import Task


class Recorder:
    """A display that keeps what it is told."""

    def __init__(self):
        self.finished_names, self.reasons, self.warnings = [], {}, []

    def started(self, task, reason):
        self.reasons[task.name] = reason

    def progress(self, task, event): ...

    def finished(self, result):
        self.finished_names.append(result.task.name)

    def warn(self, message):
        self.warnings.append(message)


@pytest.fixture
def place(tmp_path):
    with WorkerPool(tmp_path / "logs", 2**30) as pool:
        yield tmp_path, pool


def run(place, *tasks, jobs=2):
    root, pool = place
    recorder = Recorder()
    return Driver(Store(root, recorder.warn), pool, recorder, jobs).run(tasks), recorder


def write(text="x"):
    return lambda context: (context.folder / "out").write_text(text)


def fail(error):
    def work(context):
        (context.folder / "half").write_text("x")
        raise error

    return work


def task(name, work=None, needs=(), stage="s", **more):
    return Task(
        name, stage, more.pop("ingredients", {"name": name}), work or write(), {n.name: n for n in needs}, **more
    )


def test_needs_run_first_and_their_results_are_there(place):
    first = task("first", write("one"))
    second = task(
        "second", lambda c: (c.folder / "out").write_text(c.needs["first"].file("out").read_text() + "!"), [first]
    )
    results, recorder = run(place, second)
    assert results["second"].entry.file("out").read_text() == "one!"
    assert recorder.finished_names == ["first", "second"]


def test_an_unchanged_run_does_nothing_and_says_why(place):
    run(place, task("a"))
    results, recorder = run(place, task("a", fail(AssertionError("ran again"))))
    assert results["a"].state is State.UNCHANGED
    assert "nothing to do" in results["a"].reason
    assert recorder.reasons == {}


def test_a_changed_ingredient_reruns_what_depends_on_it_and_names_it(place):
    def tasks(recipe):
        base = task("base")
        made = task("made", needs=[base], ingredients={"recipe": recipe})
        return made, task("after", needs=[made]), task("beside", needs=[base])

    run(place, *tasks("1"))
    results, recorder = run(place, *tasks("2"))
    assert {name for name, r in results.items() if r.state is State.DONE} == {"made", "after"}
    assert recorder.reasons == {"made": "changed: recipe", "after": "changed: result of made as made"}


@pytest.mark.parametrize(
    "error", [ToolkitCrash("died"), UnsupportedError("no such operator"), ToolkitError("x"), ZeroDivisionError("bug")]
)
def test_a_failure_blocks_what_needs_it_and_nothing_else(place, error):
    bad = task("bad", fail(error))
    results, _ = run(place, task("after", needs=[bad]), task("beside"))
    assert results["bad"].state is State.FAILED
    assert results["after"].state is State.BLOCKED
    assert results["after"].error is results["bad"].error
    assert results["beside"].state is State.DONE
    assert not list(place[0].rglob("half"))


def test_what_is_known_already_stands_as_it_is_failures_too(place):
    root, pool = place
    bad = task("bad", fail(ToolkitError("x")))
    driver = Driver(Store(root, print), pool, Recorder())
    known = driver.run([bad])
    again = driver.run([task("after", needs=[bad]), task("beside")], known)
    assert again["bad"] is known["bad"]
    assert driver.display.finished_names == ["bad", "after", "beside"]
    assert again["after"].state is State.BLOCKED


def test_a_failure_is_not_remembered_as_a_result(place):
    run(place, task("a", fail(ToolkitError("x"))))
    assert run(place, task("a"))[0]["a"].state is State.DONE


@pytest.mark.parametrize(
    "error",
    [
        DiskFullError("no space is left"),
        ToolkitError("SafetensorError: I/O error: No space left on device (os error 28)"),
        ValueError("unable to write: errno = 28, error message = 'No space left on device'"),
    ],
)
def test_a_full_disk_ends_the_run_and_keeps_what_was_finished(place, error):
    with pytest.raises(DiskFullError, match="no space is left"):
        run(place, task("later", fail(error), [task("first")]))
    assert reason_to_run(Store(place[0]), task("first")) == ""


def test_a_damaged_result_is_said_and_made_anew(place):
    results, _ = run(place, task("a"))
    results["a"].entry.file("out").write_text("tampered")
    results, recorder = run(place, task("a"))
    assert results["a"].state is State.DONE
    assert "damaged" in recorder.warnings[0]
    assert results["a"].entry.file("out").read_text() == "x"


def test_exclusive_work_runs_alone_and_a_lane_is_shared_only_when_no_other_waits(place):
    running, seen, lock = set(), [], threading.Lock()

    def work(name):
        def inner(context):
            with lock:
                running.add(name)
                seen.append(frozenset(running))
            time.sleep(0.05)
            with lock:
                running.discard(name)
            (context.folder / "out").write_text("x")

        return inner

    tasks = [task(f"e{i}", work(f"e{i}"), exclusive=True) for i in range(2)]
    tasks += [task(f"l{i}", work(f"l{i}"), lane="one") for i in range(3)]
    tasks += [task(f"m{i}", work(f"m{i}"), lane="two") for i in range(3)]
    run(place, *tasks, jobs=2)
    assert all(len(names) == 1 for names in seen if any(name.startswith("e") for name in names))
    shared = [{name[0] for name in names} for names in seen if len(names) == 2]
    assert shared[0] == {"l", "m"}
    seen.clear()
    run(place, *[task(f"n{i}", work(f"n{i}"), lane="one") for i in range(4)], jobs=2)
    assert max(map(len, seen)) == 2


def test_ctrl_c_ends_workers_and_leaves_nothing_half_made(place):
    def hang(context):
        context.call("hanging", "faulty_toolkit:faulty_hang", 600, request=None)

    class Impatient(Recorder):
        def started(self, task, reason):
            if task.name == "second":
                time.sleep(0.5)
                raise KeyboardInterrupt

    root, pool = place
    start, display = time.monotonic(), Impatient()
    with pytest.raises(KeyboardInterrupt):
        Driver(Store(root), pool, display).run([task("first", hang, lane="a"), task("second", lane="b")])
    assert time.monotonic() - start < 20
    assert not list((root / "tmp").iterdir())
    assert display.finished_names == []  # the ended worker is no failure to tell


def test_reason_to_run(place):
    store = Store(place[0])
    assert reason_to_run(store, task("a")) == "never made here"
    results, _ = run(place, task("a"))
    assert reason_to_run(Store(place[0]), task("a")) == ""
    store.drop(results["a"].task.key)
    assert reason_to_run(Store(place[0]), task("a")) == "the stored result is gone or was damaged"
