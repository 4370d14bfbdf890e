from __future__ import annotations

import pickle

from converters.device import Device, Launch, split_name, threads_of


def test_a_device_travels_to_a_worker_and_back():
    device = Device("cortex-a53", emulated=True, version="10.0", launch=Launch(("qemu", "python3"), {"QEMU_CPU": "a"}))
    assert pickle.loads(pickle.dumps(device)) == device
    assert not device.missing


def test_a_runtimes_name_tells_its_family_its_options_and_its_threads():
    assert split_name("litert-gpu[SwiftShader,fp32]") == ("litert-gpu", ("SwiftShader", "fp32"))
    assert split_name("onnxruntime") == ("onnxruntime", ())
    assert threads_of("litert-xnnpack[4t]", 1) == 4
    assert threads_of("litert-arm64[cortex-a53]", 1) == 1
