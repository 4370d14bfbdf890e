from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import flat_models
import numpy as np
import pytest

from converters.devices import cache
from converters.devices.chromium import PageError
from converters.errors import UnavailableError, UnsupportedError
from converters.litert_web.engine import Engine
from converters.session import Session

Open = Callable[..., Session]


def test_no_browser_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    with pytest.raises(UnavailableError, match=r"to have it: edge-export devices install browser"):
        Engine("wasm")


def test_a_page_in_which_a_model_failed_takes_no_other(web: Open, file: Path) -> None:
    first = web(flat_models.affine(file))
    with pytest.raises(UnsupportedError, match=r"INT8"):
        web(flat_models.eight_bit(file))
    second = web(flat_models.affine(file))
    assert second.page is not first.page
    np.testing.assert_array_equal(first.run({"x": np.ones((1, 2, 3), np.float32)})["y"], np.full((1, 2, 3), 3))
    first.close()
    third = web(flat_models.affine(file))
    assert third.page is second.page


def test_what_the_page_says_comes_with_its_error(web: Open, file: Path) -> None:
    page = web(flat_models.affine(file)).page
    with pytest.raises(PageError, match=r"Cannot read properties of undefined"):
        page.call("run", 10**6, page.send({"x": np.zeros((1, 2), np.float32)}), "/passed/none")


def test_arrays_of_every_kind_pass_both_ways(web: Open, file: Path) -> None:
    page = web(flat_models.affine(file)).page
    sent = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1],
        "b": np.array([2**62, -1], np.int64),
        "c": np.array([[True], [False]]),
        "d": np.array([], np.uint8),
        "é": np.array(7.5, np.float64),
    }
    address, answer = page.send(sent), page.engine.server.expect()
    page.page.evaluate(f"""(async () => {{
      const {{ read, write }} = await import("./safetensors.js");
      const {{ tensors }} = read(await (await fetch("{address}")).arrayBuffer());
      tensors.c.data = new Uint8Array(tensors.c.data);
      await fetch("{answer}", {{ method: "POST", body: write(tensors) }});
    }})()""")
    found = page.receive(answer)
    for name, values in sent.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].shape == values.shape


@pytest.mark.parametrize("length", [0, 7, 12, 60, -1])
def test_a_damaged_file_is_said(length: int, web: Open, file: Path) -> None:
    from safetensors.numpy import save

    page = web(flat_models.affine(file)).page
    address = page.engine.server.offer(save({"a": np.arange(6.0)})[:length])
    with pytest.raises(PageError, match=r"cut short|JSON"):
        page.page.evaluate(f"""(async () => {{
          const {{ read }} = await import("./safetensors.js");
          read(await (await fetch("{address}")).arrayBuffer());
        }})()""")
