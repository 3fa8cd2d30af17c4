"""What a process prints: masked on its way, whatever the terminal can show, whoever has stopped reading."""

import io
import logging
import os
import subprocess
import sys

import pytest

from pipeline.process.streams import LastingStream, lasting_streams
from pipeline.storage.masking import masked
from tests.oracles.ended_processes import INTERRUPTED, SCRIPT
from tests.oracles.planted_cards import spelled


def test_what_a_library_writes_to_standard_error_is_masked(monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    with lasting_streams():
        logging.getLogger("library").addHandler(handler := logging.StreamHandler())
        logging.getLogger("library").warning("no card %s", spelled("spaces"))
        logging.getLogger("library").removeHandler(handler)
    assert "no card …" in written.getvalue()
    assert sys.stderr is written


def test_a_number_that_is_written_in_two_pieces_is_masked_whole():
    inner = io.StringIO()
    stream = LastingStream(inner, masked)
    stream.write("card 4539 5787 ")
    stream.write("6362 1486\nmore")
    assert inner.getvalue() == "card …\n"
    stream.flush()
    assert inner.getvalue() == "card …\nmore"


def test_a_text_stream_takes_no_bytes():
    with pytest.raises(TypeError, match="must be str, not bytes"):
        LastingStream(io.StringIO(), masked).write(b"")


def test_a_record_of_a_json_log_passes_as_it_is():
    inner = io.StringIO()
    LastingStream(inner, masked).write('{"time": "x", "bytes": 123456789012}\n')
    assert inner.getvalue() == '{"time": "x", "bytes": 123456789012}\n'


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
def test_a_character_that_the_terminal_lacks_becomes_a_mark(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    with lasting_streams():
        print("rows → ε")
    assert raw.getvalue().decode(encoding) in ("rows → ε\n", "rows ? ?\n")


@pytest.mark.parametrize("where", ["sys.stdout", "sys.stderr"])
def test_a_reader_that_goes_away_ends_no_work_and_changes_no_exit_code(tmp_path, where):
    done = tmp_path / "done"
    read, write = os.pipe()
    script = SCRIPT.format(where=where, done=str(done))
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, where.removeprefix("sys."): write}
    with subprocess.Popen([sys.executable, "-c", script], **streams) as process:
        os.close(write)
        os.read(read, 10)
        os.close(read)
        assert process.wait(60) == 3
    assert done.exists()


def test_a_process_without_streams_works_all_the_same(tmp_path):
    done = tmp_path / "done"
    script = SCRIPT.format(where="sys.stdout", done=str(done)).replace("20000", "2")
    command = '"$0" -c "$1" >&- 2>&-; exit $?'
    assert subprocess.run(["sh", "-c", command, sys.executable, script], check=False).returncode == 3
    assert done.exists()


@pytest.mark.parametrize(
    "act", ["os.kill(os.getpid(), signal.SIGINT)", "os.kill(os.getpid(), signal.SIGTERM)", "raise KeyboardInterrupt"]
)
def test_an_interrupted_command_says_so_and_ends_with_the_code_of_the_table(act):
    script = INTERRUPTED.format(act=act)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert done.stderr.strip() == "harbor: interrupted; run the same command again to go on"
