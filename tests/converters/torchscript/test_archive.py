from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import MODELS

from converters.contract import Artifact
from converters.errors import ModelError

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


def test_signature_travels_with_the_module(exported: Exported) -> None:
    from converters.torchscript.archive import load

    module, signature = load(exported("torch_two_in_two_out").path)
    assert signature == MODELS["torch_two_in_two_out"].signature
    assert not module.training


def test_an_archive_of_others_has_no_signature(tmp_path: Path) -> None:
    import torch

    from converters.torchscript.archive import load

    torch.jit.save(torch.jit.script(torch.nn.Linear(3, 4)), str(tmp_path / "m.pt"))
    assert load(tmp_path / "m.pt")[1] is None


def test_pickles_are_refused_before_they_can_run(tmp_path: Path) -> None:
    import torch

    from converters.torchscript.archive import load

    torch.save({"w": Bomb(tmp_path / "boom")}, tmp_path / "m.pt")
    with pytest.raises(ModelError, match="a pickle can run code, so it is not loaded"):
        load(tmp_path / "m.pt")
    (tmp_path / "n.pt").write_bytes(pickle.dumps(Bomb(tmp_path / "boom")))
    with pytest.raises(ModelError, match="a pickle can run code, so it is not loaded"):
        load(tmp_path / "n.pt")
    assert not (tmp_path / "boom").exists()


def rewritten(whole: Path, path: Path, ending: str, content: bytes) -> Path:
    """The archive with another content where a name ends so."""
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name.endswith(ending) else old.read(name))
    return path


def test_a_pickle_inside_an_archive_cannot_run(tmp_path: Path, exported: Exported) -> None:
    from converters.torchscript.archive import load

    bomb = pickle.dumps(Bomb(tmp_path / "boom"), protocol=2)
    evil = rewritten(exported("torch_conv").path, tmp_path / "evil.pt", "/data.pkl", bomb)
    with pytest.raises(ModelError, match="is no TorchScript that PyTorch"):
        load(evil)
    assert not (tmp_path / "boom").exists()


def test_damage_is_told(tmp_path: Path, exported: Exported) -> None:
    from converters.torchscript.archive import load

    whole = exported("torch_conv").path
    data = whole.read_bytes()
    (tmp_path / "short.pt").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="without its central directory: truncated"):
        load(tmp_path / "short.pt")
    with pytest.raises(ModelError, match="is no TorchScript that PyTorch"):
        load(rewritten(whole, tmp_path / "bad.pt", ".py", b"class Broken(Module):\n  retorn"))


def test_another_format_is_refused(tmp_path: Path) -> None:
    from converters.torchscript.archive import load

    (tmp_path / "m.bin").write_bytes(b"\x08\x0a\x3a\x02ab\x42\x00")
    with pytest.raises(ModelError, match="holds onnx, not torchscript"):
        load(tmp_path / "m.bin")


@pytest.mark.parametrize("text", ["{", "{}", '{"inputs": [{"name": ""}], "outputs": []}'])
def test_a_damaged_signature_is_refused(text: str, tmp_path: Path) -> None:
    import torch

    from converters.torchscript.archive import SIGNATURE_FILE, load

    module = torch.jit.script(torch.nn.Linear(3, 4))
    torch.jit.save(module, str(tmp_path / "m.pt"), _extra_files={SIGNATURE_FILE: text})
    with pytest.raises(ModelError, match=r"the signature in edge_export\.signature\.json is damaged"):
        load(tmp_path / "m.pt")


def test_a_module_without_forward_is_refused(tmp_path: Path) -> None:
    import torch

    from converters.torchscript.archive import load

    torch.jit.save(torch.jit.script(torch.nn.Module()), str(tmp_path / "m.pt"))
    with pytest.raises(ModelError, match="without `forward`"):
        load(tmp_path / "m.pt")
