"""A server as a process: it answers over its port, can be asked by its socket, and ends well."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

from pipeline.online.replayed_log import read_log

HOUSE, PATIENCE = Path(__file__).parents[3], 300


@contextlib.contextmanager
def server(run, folder, *more):
    export = run / "export"
    command = [
        sys.executable,
        "-m",
        "pipeline.cli",
        "serve",
        "--bundle",
        export / "bundle",
        "--state",
        export / "state",
    ]
    command += ["--folder", folder, "--port", "0", *more]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=HOUSE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.stdout.close()
        process.wait()


def port_of(process):
    for line in process.stdout:
        if found := re.search(r"at http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise AssertionError("the server ended before it was ready")


def posted(connection, path, body):
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def by_socket(folder, path, body):
    connection = http.client.HTTPConnection("harbor", timeout=PATIENCE)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect(str(folder / "admin.sock"))
    with contextlib.closing(connection):
        return posted(connection, path, body)


def test_a_server_answers_until_it_is_told_to_end_and_its_log_is_whole(small_run, tmp_path, rows):
    folder = tmp_path / "served"
    with server(small_run, folder, "--set", "serve.durability=disk") as process:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port_of(process), timeout=PATIENCE)) as client:
            answers = [posted(client, "/v1/score", row) for row in rows]
            assert stat.S_IMODE((folder / "admin.sock").stat().st_mode) == 0o600
            status, told = by_socket(folder, "/digest", {})
            assert (status, told["offset"]) == (200, 1 + len(rows))
            assert by_socket(folder, "/snapshot", {})[0] == 200
            assert list((folder / "snapshots").iterdir())
            second = subprocess.run(process.args, capture_output=True, text=True, cwd=HOUSE, check=False)
            assert (second.returncode, "another server is at work" in second.stderr) == (4, True)
            process.send_signal(signal.SIGTERM)
            said = process.stdout.read()
        assert process.wait(PATIENCE) == 0
    assert {status for status, _ in answers} == {200}
    assert "stopped: all answers were sent, and the log is closed" in said
    logged = [event for event in read_log(folder).events if event.answer]
    assert [json.loads(event.answer) for event in logged] == [answer for _, answer in answers]
    assert not (folder / "admin.sock").exists()


def test_answers_under_way_are_finished_when_a_server_is_told_to_end(small_run, tmp_path, rows):
    with server(small_run, tmp_path / "served") as process:
        port = port_of(process)
        many = [{**row, "transaction_id": f"{copy}-{place}"} for copy in range(20) for place, row in enumerate(rows)]
        body = "\n".join(map(json.dumps, many))
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        client.request("POST", "/v1/score/batch", body, {"content-type": "application/x-ndjson"})
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        answer = client.getresponse()
        lines = answer.read().splitlines()
        assert process.wait(PATIENCE) == 0
    assert (answer.status, len(lines)) in ((200, 20 * len(rows)), (503, 1))


def test_a_port_that_is_taken_is_told_in_one_line(small_run, tmp_path, harbor):
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port, export = taken.getsockname()[1], small_run / "export"
        given = ("--state", export / "state", "--folder", tmp_path / "f", "--port", port)
        code, said = harbor("serve", "--bundle", export / "bundle", *given)
    assert (code, f"got 127.0.0.1:{port}" in said, "Traceback" in said) == (2, True, False)


def test_a_folder_with_too_long_a_path_for_its_socket_is_refused(small_run, tmp_path, harbor):
    export, folder = small_run / "export", tmp_path / ("x" * 120)
    given = ("--bundle", export / "bundle", "--state", export / "state", "--folder", folder, "--port", 0)
    code, said = harbor("serve", *given)
    assert (code, "--folder must have a path of at most" in said) == (2, True)
