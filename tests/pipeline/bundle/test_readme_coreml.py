"""The README of a bundle with Core ML packages."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import sample_bundle

from converters.contract import Format, Precision
from pipeline.bundle import open_bundle, write_bundle
from pipeline.bundle.readme import for_apple, render_readme


def test_the_swift_snippet_takes_the_half_sized_package_by_its_features(tmp_path: Path) -> None:
    manifest = open_bundle(write_bundle(sample_bundle.contents(tmp_path / "s"), tmp_path / "out")).manifest
    one = manifest.artifacts[0]
    packages = tuple(
        dataclasses.replace(
            one, format=Format.COREML, precision=precision, file=f"m_torch_coreml_{precision}.mlpackage"
        )
        for precision in (Precision.FP32, Precision.FP16, Precision.PALETTIZED)
    )
    assert for_apple(packages) == packages[1]
    assert for_apple(manifest.artifacts) is None
    text = render_readme(dataclasses.replace(manifest, artifacts=packages), ())
    assert "**Take `m_torch_coreml_fp16.mlpackage`**" in text
    assert 'forResource: "m_torch_coreml_fp16", withExtension: "mlmodelc"' in text
    for spec in one.signature.inputs:
        assert f'"{spec.name}": input_0' in text
    assert f'featureValue(for: "{one.signature.outputs[0].name}")' in text
