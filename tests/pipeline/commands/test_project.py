from __future__ import annotations

import onnx_files
import pytest

from pipeline.cli import main
from pipeline.project import FILE, load


@pytest.fixture(autouse=True)
def _there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def ran(*arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code


def test_the_only_model_of_a_folder_is_taken_and_its_inputs_are_told(tmp_path, capsys):
    onnx_files.saved(tmp_path / "net.onnx")
    assert ran("init") == 0
    assert load(tmp_path / FILE).model == str(tmp_path / "net.onnx")
    assert load(tmp_path / FILE).inputs == ("x:1x4:float32",)
    assert ran("init") == 2
    assert "is there already; edit it, or write it anew with --force" in capsys.readouterr().err
    assert ran("init", "net.onnx", "--force", "--data", "digits") == 0
    assert load(tmp_path / FILE).data == "digits"


def test_without_a_model_or_with_several_it_asks(tmp_path, capsys):
    assert ran("init") == 2
    assert "say which model" in capsys.readouterr().err
    onnx_files.saved(tmp_path / "a.onnx")
    onnx_files.saved(tmp_path / "b.onnx")
    assert ran("init") == 2
    assert "there are a.onnx, b.onnx" in capsys.readouterr().err
    assert not (tmp_path / FILE).exists()


def test_a_file_that_is_no_model_leaves_nothing_behind(tmp_path, capsys):
    (tmp_path / "net.onnx").write_bytes(b"nothing of the kind")
    assert ran("init") == 5
    assert "the name says ONNX" in capsys.readouterr().err
    assert not (tmp_path / FILE).exists()
