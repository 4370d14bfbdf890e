from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import fake_toolkit
import pytest

from converters import registry


@pytest.fixture
def toolkit(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The fake toolkit, registered; what a test sets in it ends with the test."""
    monkeypatch.setenv(registry.DRAFTS_VARIABLE, "fake_toolkit")
    registry.toolkits.cache_clear()
    for name in ("open", "write"):
        monkeypatch.setattr(fake_toolkit, name, getattr(fake_toolkit, name))
    yield fake_toolkit
    registry.toolkits.cache_clear()
