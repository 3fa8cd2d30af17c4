import os
import signal
import socket
import time
from pathlib import Path

import pytest

from pipeline.bundle.bounded_work import TroubleError, in_child
from pipeline.storage.errors import InputError

REFUSAL = "the bundle x cannot be verified"


def test_what_the_work_gives_comes_back():
    assert in_child(lambda: {"rows": 64, "difference": 0.0}, refusal=REFUSAL) == {"rows": 64, "difference": 0.0}


def test_a_refusal_keeps_its_words():
    def refuse():
        raise InputError("golden rows must keep their probability")

    with pytest.raises(InputError, match=r"^golden rows must keep their probability$"):
        in_child(refuse, refusal=REFUSAL)


def test_work_without_end_is_ended():
    began = time.monotonic()
    with pytest.raises(InputError, match=f"{REFUSAL}: it takes longer than it may"):
        in_child(lambda: time.sleep(60), refusal=REFUSAL, seconds=0.5)
    assert time.monotonic() - began < 20


def test_work_that_takes_all_memory_is_ended():
    with pytest.raises(InputError, match=r"asks for more memory|asks for too much"):
        in_child(lambda: {"size": len(bytearray(1 << 30))}, refusal=REFUSAL, memory=1 << 28)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_work_that_falls_over_is_one_message(number):
    with pytest.raises(InputError, match=f"{REFUSAL}: what reads it falls over .*signal {int(number)}"):
        in_child(lambda: os.kill(os.getpid(), number), refusal=REFUSAL)


def test_an_answer_without_end_is_refused():
    with pytest.raises(InputError, match=REFUSAL):
        in_child(lambda: {"x": "x" * 10_000_000}, refusal=REFUSAL, seconds=10)


def test_no_file_of_any_size_is_written(tmp_path):
    def write():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        Path(tmp_path / "large").write_bytes(b"x" * (1 << 20))

    with pytest.raises((InputError, TroubleError)):
        in_child(write, refusal=REFUSAL)
    assert (tmp_path / "large").stat().st_size <= 1 << 16


def test_there_is_no_network_where_the_system_can_take_it_away():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def connected():
            interfaces = [
                line.split(":")[0].strip() for line in Path("/proc/self/net/dev").read_text().splitlines()[2:]
            ]
            try:
                socket.create_connection(("127.0.0.1", port), timeout=2).close()
            except OSError:
                return {"connected": False, "interfaces": interfaces}
            return {"connected": True, "interfaces": interfaces}

        found = in_child(connected, refusal=REFUSAL)
    if found["connected"]:
        pytest.skip("this system lets no user take away the network of a process")
    assert found["interfaces"] == ["lo"]


def test_nothing_is_written_to_the_streams(capfd):
    in_child(lambda: {"x": os.write(1, b"verified")}, refusal=REFUSAL)
    assert capfd.readouterr().out == ""
