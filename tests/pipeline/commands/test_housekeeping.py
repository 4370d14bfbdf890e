from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import sample_report
from typer.testing import CliRunner

from converters.errors import ModelError, UnavailableError, UsageError, WorkspaceError
from pipeline import doctor
from pipeline.cli import app
from pipeline.doctor import DoctorRow, Health
from pipeline.report import files
from pipeline.workspace import open_workspace


def cli(*arguments, **more):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **more)


@pytest.fixture
def bundle(tmp_path):
    (tmp_path / "dist" / "net" / "report").mkdir(parents=True)
    files.write_all(sample_report.passed(), tmp_path / "dist" / "net" / "report")
    return tmp_path / "dist"


def test_a_report_is_shown_again_from_the_folder_the_bundle_or_the_file(bundle):
    said = [cli("report", place) for place in (bundle, bundle / "net", bundle / "net" / "report" / "report.json")]
    assert all(ended.exit_code == 0 for ended in said)
    assert len({ended.stdout for ended in said}) == 1
    assert "PASSED" in said[0].stdout


@pytest.mark.parametrize(("form", "start"), [("markdown", "#"), ("json", "{"), ("junit", "<?xml"), ("html", "<!")])
def test_every_form_goes_to_the_terminal_or_into_a_file(bundle, form, start, tmp_path):
    shown = cli("report", bundle, "--format", form)
    assert shown.stdout.lstrip().lower().startswith(start)
    written = cli("report", bundle, "--format", form, "--out", tmp_path / "new" / "r")
    assert written.stdout == ""
    assert "wrote" in written.stderr
    assert (tmp_path / "new" / "r").read_text().strip() == shown.stdout.strip()


def test_json_is_the_json_form(bundle):
    assert json.loads(cli("report", bundle, "--json").stdout)["schema_version"] >= 1


def test_a_bundle_is_served_until_ctrl_c(bundle):
    (bundle / "net" / "manifest.json").write_text("{}")
    command = [sys.executable, "-m", "pipeline.cli", "report", str(bundle), "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/report/live\.html", address)
        with urllib.request.urlopen(address, timeout=10) as page:
            assert b"edge-export, live" in page.read()
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=20)
    assert server.returncode == 0
    assert "edge-export devices install browser" in said  # this test's home has no LiteRT.js
    assert "Ctrl-C ends it" in said


def test_a_live_page_for_any_server_needs_litert(bundle, tmp_path):
    (bundle / "net" / "manifest.json").write_text("{}")
    with pytest.raises(UnavailableError, match=r"edge-export devices install browser"):
        cli("report", bundle, "--live", tmp_path / "site", catch_exceptions=False)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [(("report", "none"), ModelError, "no report in none"), (("report", "--format", "pdf"), UsageError, "'pdf'")],
)
def test_a_report_that_cannot_be_shown(arguments, error, match):
    with pytest.raises(error, match=match):
        cli(*arguments, catch_exceptions=False)


@pytest.mark.parametrize(
    ("healths", "code"),
    [([Health.OK], 0), ([Health.OK, Health.WARNING, Health.MISSING], 0), ([Health.OK, Health.PROBLEM], 7)],
)
def test_the_doctor_ends_badly_only_when_something_will_not_work(monkeypatch, healths, code):
    rows = [DoctorRow(f"n{i}", health, "found [bold]x[/]", f"advice {i}") for i, health in enumerate(healths)]
    monkeypatch.setattr(doctor, "checks", lambda: rows)
    shown, as_json = cli("doctor"), cli("doctor", "--json")
    assert shown.exit_code == as_json.exit_code == code
    assert "found [bold]x[/]" in shown.stdout
    document = json.loads(as_json.stdout)["checks"]
    assert [row["health"] for row in document] == [str(health) for health in healths]
    assert all(f"advice {i}" in shown.stdout for i in range(len(rows)))


@pytest.fixture
def workspace(tmp_path):
    place = tmp_path / "ws"
    with open_workspace(place, "test", print):
        (place / "store").mkdir()
        (place / "store" / "big").write_bytes(bytes(3 << 20))
    return place


def test_clean_removes_the_workspace_and_leaves_bundles(workspace, tmp_path):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "keep").write_text("x")
    ended = cli("clean", "--workspace", workspace, "--yes")
    assert ended.exit_code == 0
    assert "removed" in ended.stdout
    assert "3 MiB" in ended.stdout
    assert not workspace.exists()
    assert (tmp_path / "dist" / "keep").exists()


@pytest.mark.parametrize(("answer", "gone"), [("n\n", False), ("y\n", True), ("", False)])
def test_clean_asks_first_and_takes_silence_for_no(workspace, answer, gone):
    cli("clean", "--workspace", workspace, input=answer)
    assert workspace.exists() is not gone


def test_clean_never_removes_a_folder_that_is_no_workspace(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"x")
    with pytest.raises(WorkspaceError, match="not a workspace of edge-export, or holds other files; nothing"):
        cli("clean", "--workspace", tmp_path / "photos", "--yes", catch_exceptions=False)
    assert (tmp_path / "photos" / "cat.png").exists()


def test_clean_leaves_a_workspace_in_which_somebody_keeps_files(workspace):
    (workspace / "thesis.tex").write_text("x")
    with pytest.raises(WorkspaceError, match="holds other files; nothing was removed"):
        cli("clean", "--workspace", workspace, "--yes", catch_exceptions=False)
    assert (workspace / "store" / "big").exists()


def test_clean_waits_for_nobody_and_takes_nothing_from_a_running_export(workspace):
    with (
        open_workspace(workspace, "edge-export run", print),
        pytest.raises(WorkspaceError, match="another run is using the workspace"),
    ):
        cli("clean", "--workspace", workspace, "--yes", catch_exceptions=False)
    assert (workspace / "store" / "big").exists()


def test_clean_of_nothing_is_nothing_to_do():
    ended = cli("clean", "--yes")
    assert ended.exit_code == 0
    assert "nothing to do: .edge-export does not exist" in ended.stdout
    assert not Path(".edge-export").exists()
