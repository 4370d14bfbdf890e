from __future__ import annotations

import re

import pytest

from converters import registry
from converters.toolchains import sealed


@pytest.mark.parametrize("chain", registry.toolchains(), ids=lambda chain: chain.name)
def test_a_lock_pins_everything_by_hash_and_names_no_address(chain):
    text = chain.lock.read_text(encoding="utf-8")
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    pinned = [block for block in blocks if "==" in block.partition("\n")[0]]
    assert len(pinned) == len(sealed.packages(chain)) > 20
    assert all("--hash=sha256:" in block for block in pinned)
    assert "://" not in text
    assert chain.lock.with_name("toolchain.in").is_file()


def test_every_edge_in_a_sealed_environment_names_one_that_there_is():
    sealed_edges = [edge for edge in registry.edges() if edge.toolchain]
    assert {edge.name for edge in sealed_edges} == {"tflite_by_onnx2tf", "tflite_by_onnx_tf"}
    for edge in sealed_edges:
        chain = registry.toolchain(edge.toolchain)
        assert edge.worker == chain.name
        assert all(package in sealed.packages(chain) for package in edge.packages)
