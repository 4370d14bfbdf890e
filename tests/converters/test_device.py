from __future__ import annotations

import pickle

from converters.device import Device, Launch


def test_a_device_travels_to_a_worker_and_back():
    device = Device("cortex-a53", emulated=True, version="10.0", launch=Launch(("qemu", "python3"), {"QEMU_CPU": "a"}))
    assert pickle.loads(pickle.dumps(device)) == device
    assert not device.missing
