from __future__ import annotations

from converters.coreml.needs import needs


def test_a_specification_needs_the_systems_that_it_came_with():
    assert needs(9).version == "18"
    assert "macOS 15" in needs(9).because
    assert needs(99).version == ""
