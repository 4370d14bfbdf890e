from __future__ import annotations

from collections.abc import Callable

import pytest

from converters.contract import Artifact
from converters.litert.kernels import resolvers, runs


def test_a_sound_file_runs_on_all_kernels_and_a_damaged_one_on_none(converted: Callable[..., Artifact]) -> None:
    content = converted("torch_conv").path.read_bytes()
    assert [runs(content, each) for each in resolvers()] == [True] * 3
    assert not any(runs(content[: len(content) // 2], each) for each in resolvers())


def test_what_allocates_and_does_not_run_is_told(
    converted: Callable[..., Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    def refuses(self: Interpreter) -> None:
        raise RuntimeError("failed to invoke")

    monkeypatch.setattr(Interpreter, "invoke", refuses)
    assert not runs(converted("torch_conv").path.read_bytes(), resolvers()[0])
