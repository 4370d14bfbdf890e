"""Messages between the parent and a worker: pickles, with large arrays beside them as they lie in memory.

Comparisons of models send hundreds of megabytes to and fro. In the pickle itself an array is copied four or five times,
by threads that hold the interpreter. As with `Connection.recv`, both ends are ours: no file is ever read so.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

LARGE = 1 << 16
"""Bytes from which on an array goes beside the pickle."""


class _Pickler(pickle.Pickler):
    """Arrays arrive such that they can be written to, as those in a pickle do."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is np.ndarray and not value.flags.writeable and value.nbytes >= LARGE:
            return value.copy().__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        return NotImplemented


def send(connection: Connection, message: Any) -> None:
    """Sends a message, large arrays straight from where they are.

    Raises:
        OSError: nobody listens any more.
    """
    beside: list[memoryview] = []

    def large(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < LARGE:
            return True
        beside.append(raw)
        return False

    pickled = io.BytesIO()
    _Pickler(pickled, pickle.HIGHEST_PROTOCOL, buffer_callback=large).dump(message)
    connection.send_bytes(struct.pack(f"<{len(beside)}Q", *(raw.nbytes for raw in beside)))
    connection.send_bytes(pickled.getbuffer())
    for raw in beside:
        left = raw
        while left:
            left = left[os.write(connection.fileno(), left) :]


def receive(connection: Connection) -> Any:
    """The next message.

    Raises:
        EOFError: the other side is gone.
    """
    sizes = connection.recv_bytes()
    pickled = connection.recv_bytes()
    beside = []
    for size in struct.unpack(f"<{len(sizes) // 8}Q", sizes):
        whole = np.empty(size, np.uint8)
        left = whole.data
        while left:
            read = os.readv(connection.fileno(), [left])
            if not read:
                raise EOFError
            left = left[read:]
        beside.append(whole)
    return ForkingPickler.loads(pickled, buffers=beside)
