from __future__ import annotations

import json
import re
import signal
import sys
import warnings

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from converters import errors
from converters.errors import DataError, EdgeExportError
from pipeline import __version__, cli

VERBS = {
    "run", "train", "convert", "explain", "compare", "init",
    "inspect", "validate", "bench", "routes", "report", "doctor",
    "clean", "devices", "drift", "toolchains", "repair", "coverage",
}  # fmt: skip
run = CliRunner().invoke


@pytest.fixture(autouse=True)
def _signals():
    """`main` takes over SIGTERM, which is the test runner's."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def ending(monkeypatch, how, *arguments, verb="run"):
    """The exit code of `main` where the verb ends in `how`."""

    def app(given, prog_name):
        if isinstance(how, BaseException):
            raise how
        raise SystemExit(how)

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as ended:
        cli.main([verb, *arguments])
    return ended.value.code


def test_every_promised_verb_is_there_with_a_description_and_an_example():
    commands = typer.main.get_command(cli.app).commands
    assert set(commands) == VERBS
    for name, command in commands.items():
        assert command.help, name
        assert f"edge-export {name}" in command.epilog, name


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_explains_all_its_options(verb):
    command = typer.main.get_command(cli.app).commands[verb]
    context = typer.Context(command)
    told = [param.get_help_record(context) for param in command.params]
    assert all(record and record[1].partition("[default")[0].strip() for record in told), told
    assert run(cli.app, [verb, "-h"]).exit_code == 0


def test_help_tells_every_exit_code_that_an_error_can_give():
    text = run(cli.app, ["--help"]).output
    told = {int(code) for code in re.findall(r"^ +(\d+) ", text, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EdgeExportError)]
    assert {kind.exit_code for kind in kinds} | {0, 1, 130} == told


def test_without_a_verb_the_help_is_shown():
    assert "Usage: edge-export" in run(cli.app, [], prog_name="edge-export").output


def test_the_version():
    assert run(cli.app, ["--version"]).output == f"edge-export {__version__}\n"


def test_an_error_is_one_message_and_the_code_of_its_kind(monkeypatch, capsys):
    assert ending(monkeypatch, DataError("no images in photos")) == 4
    said = capsys.readouterr()
    assert said.err == "error: no images in photos\n"
    assert said.out == ""


def test_a_bug_of_ours_is_one_line_too_and_says_how_to_see_more(monkeypatch, capsys):
    assert ending(monkeypatch, ZeroDivisionError("division by zero")) == 70
    said = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero. This is a bug of edge-export; --debug shows where" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("arguments", [[], ["--debug"]])
def test_warnings_for_programmers_are_shown_with_debug_only(monkeypatch, capsys, arguments):
    def app(given, prog_name):
        warnings.simplefilter("always")
        np.float32([np.inf]) - np.float32([np.inf])

    def shown(message, *_, **__):
        sys.stderr.write(str(message))

    with warnings.catch_warnings():
        warnings.showwarning = shown
        monkeypatch.setattr(cli, "app", app)
        cli.main(["run", *arguments])
        assert warnings.showwarning is shown, "put back behind it"
    assert ("invalid value" in capsys.readouterr().err) is bool(arguments)


@pytest.mark.parametrize("how", [DataError("broken"), ZeroDivisionError("bug")])
def test_debug_shows_where(monkeypatch, capsys, how):
    ending(monkeypatch, how, "--debug")
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "in app" in said


def test_with_json_an_error_is_one_document_on_standard_output(monkeypatch, capsys):
    ending(monkeypatch, DataError("broken"), "--json")
    record = json.loads(capsys.readouterr().out)
    assert record == {
        "schema_version": 1,
        "error": {"kind": "DataError", "message": "broken", "exit_code": 4},
    }


def test_ctrl_c_says_that_what_was_finished_is_kept(monkeypatch, capsys):
    assert ending(monkeypatch, 130) == 130
    assert "run the same command again to go on" in capsys.readouterr().err
    assert ending(monkeypatch, 130, verb="compare") == 130
    assert capsys.readouterr().err == "\nstopped.\n", "nothing of it is kept"


@pytest.mark.parametrize("code", [0, 1, 2])
def test_other_endings_pass_through_in_silence(monkeypatch, capsys, code):
    assert ending(monkeypatch, code) == code
    assert capsys.readouterr().err == ""


def test_a_termination_ends_a_run_as_ctrl_c_does(monkeypatch):
    seen = []
    monkeypatch.setattr(cli, "app", lambda *_, **__: seen.append(signal.getsignal(signal.SIGTERM)))
    cli.main(["run"])
    assert seen == [signal.default_int_handler]


def test_with_json_an_option_that_does_not_exist_and_ctrl_c_are_documents_too(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        cli.main(["run", "--json", "--targt", "tflite"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["kind"], error["exit_code"]) == ("UsageError", 2)
    assert "--targt" in error["message"]
    assert ending(monkeypatch, 130, "--json") == 130
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 130


def test_an_unknown_option_is_a_usage_error_with_nothing_on_standard_output(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "--targt", "tflite"])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert "--targt" in said.err
    assert said.out == ""
