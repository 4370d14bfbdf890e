from __future__ import annotations

import socket
import threading
from multiprocessing.connection import Connection

import numpy as np
import pytest

from converters import channel


@pytest.fixture
def ends():
    pair = [Connection(one.detach()) for one in socket.socketpair()]
    yield pair
    for one in pair:
        one.close()


def over(ends, message):
    sender = threading.Thread(target=channel.send, args=(ends[0], message))
    sender.start()
    found = channel.receive(ends[1])
    sender.join()
    return found


def large(dtype=np.float32):
    return np.arange(channel.LARGE, dtype=dtype).reshape(4, -1)


@pytest.mark.parametrize(
    "values",
    [large(), large(np.int8), large().T, large()[:, ::2], np.asfortranarray(large()), np.float32(3), np.empty((0, 3))],
    ids=["large", "bytes", "turned", "cut", "fortran", "scalar", "empty"],
)
def test_values_come_over_as_they_are(ends, values):
    found = over(ends, ("result", {3: values, "text": "ü"}))
    assert found[0] == "result"
    assert found[1]["text"] == "ü"
    assert np.array_equal(found[1][3], values)
    assert found[1][3].dtype == values.dtype


def test_what_arrives_may_be_written_to_and_is_no_ones_else(ends):
    sent = large()
    sent.flags.writeable = False
    found = over(ends, [sent, sent, large()])
    for one in found:
        one[:] = 0
    assert sent.any()


def test_messages_come_in_their_order(ends):
    for number in range(3):
        assert over(ends, (number, large() + number))[1][0, 0] == number


def test_an_object_that_cannot_be_sent_leaves_the_line_clean(ends):
    with pytest.raises(Exception, match="pickle"):
        channel.send(ends[0], (large(), lambda: None))
    assert over(ends, "next") == "next"


def test_a_side_that_goes_in_the_middle_is_the_end(ends):
    whole, theirs = socket.socketpair()
    with Connection(theirs.detach()) as there:
        sender = threading.Thread(target=channel.send, args=(there, large()))
        sender.start()
        ends[0].send_bytes(whole.recv(4 + 8)[4:])
        ends[0].send_bytes(whole.recv(int.from_bytes(whole.recv(4), "big")))
        ends[0].close()
        with pytest.raises(EOFError):
            channel.receive(ends[1])
        while sender.is_alive():
            whole.recv(1 << 20)
        whole.close()
