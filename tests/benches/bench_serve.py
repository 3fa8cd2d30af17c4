"""`harbor serve` over HTTP, beside a bare ASGI echo and MLflow's server of the same bundle.

`--data RUN` measures on the export of a finished run; without it a small one is made. HARBOR_BENCH_MODE=realtime puts
the servers into the real-time class (chrt), for machines that are shared: the figures are then those of a quiet one.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq

from tests.fixtures.live_service import request_row

HEADING = f"\n{'':<44} {'ours':>10} {'must, peer':>10} {'peer/ours':>10}"
HOUSE = Path(__file__).parents[2]
RATE, SECONDS, CONNECTIONS, MANY = 1000, 10, 32, 400
"""Requests a second, for how long, over how many connections, and over how many at overload."""
QUIET = 0.3
"""Share of the capacity at which latencies are no queue's, whatever the machine."""
FURTHER = 200_000
MLFLOW_REQUESTS = 150
REALTIME = ("chrt", "--fifo", "10") if os.environ.get("HARBOR_BENCH_MODE") == "realtime" else ()
PATIENCE = 240


def bench(data):
    with tempfile.TemporaryDirectory(prefix="harbor-bench-") as folder:
        place = Path(folder)
        run = Path(data) if data else small_run(place / "run")
        bodies = [json.dumps(row).encode() for row in transactions(run, RATE * SECONDS + FURTHER)]
        with served(run, place / "served") as (port, process):
            load(port, bodies[:300], rate=100)
            capacity = load(port, bodies[300:10_300], rate=0)
            most = capacity["good"] / capacity["seconds"]
            quiet = min(RATE, most * QUIET)
            print(
                f"capacity {most:.0f}/s over {CONNECTIONS} connections, p99 {capacity['served_p99']:.1f} ms", flush=True
            )
            ours, cpu = at_rates(port, process, bodies[10_300:], (RATE, quiet), "/v1/score")
        with echo() as (port, process):
            load(port, bodies[:300], rate=100)
            floor, bare = at_rates(port, process, bodies, (RATE, quiet), "/")
        yield from latencies(ours, floor)
        yield "µs of processor a request: ours, the echo", cpu * 1e6, bare * 1e6
        yield "µs of processor a request: ours, MLflow's", cpu * 1e6, mlflow_seconds(run, place) * 1e6
        yield from overload(run, place, bodies, most)


def at_rates(port, process, bodies, rates, path):
    """What a server does at each of some rates, and its processor seconds a request at the last one."""
    found, used = {}, 0
    for rate in rates:
        count = int(rate * SECONDS)
        before = processor_seconds(process.pid)
        found[rate] = load(port, bodies[used : used + count], rate=rate, path=path)
        cpu, used = (processor_seconds(process.pid) - before) / found[rate]["requests"], used + count
    return found, cpu


def latencies(ours, floor):
    for rate, found in ours.items():
        for name, must in (("p50", 0.6), ("p99", 2.0), ("p99.9", 6.0)):
            yield f"ms {name} at {rate:.0f}/s from the due time (must)", found[name], must
            yield f"ms {name} at {rate:.0f}/s, the bare echo", found[name], floor[rate][name]


def overload(run, place, bodies, most):
    """Five times what a process can answer, over more connections than may be under way."""
    with served(run, place / "overload") as (port, process):
        load(port, bodies[:300], rate=100)
        found = load(port, bodies[300 : 300 + int(5 * most * 5)], rate=5 * most, connections=MANY)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    good = found["good"] / found["seconds"]
    print(
        f"overload: {found['statuses']}, answered ones p99 {found['served_p99']:.1f} ms from when they were sent",
        flush=True,
    )
    yield "answers a second at 5 times the capacity (must)", good, 0.9 * most
    replay = subprocess.run(harbor("state", "compact", "--log", place / "overload"), cwd=HOUSE, check=False)
    yield "exit code of the log's replay (must)", replay.returncode or 1e-9, 1e-9


def small_run(folder):
    given = (
        "data.rows=24000",
        "train.epochs=1",
        "boosting.rounds=60",
        "sweep.smoothing=[0.0, 0.1]",
        "refit.enabled=false",
    )
    words = [word for each in given for word in ("--set", each)]
    subprocess.run(harbor("run", "--config", "smoke.toml", "--run", folder, *words), cwd=HOUSE, check=False)
    return folder


def transactions(run, count):
    """Rows of the run again behind its last one, a millisecond apart, under ids of their own."""
    table = pq.read_table(run / "ingest" / "transactions.parquet")
    last = table["event_time"][-1].as_py()
    rows = [request_row(row) for row in table.slice(max(table.num_rows - 20_000, 0)).to_pylist()]
    for place in range(count):
        moment = (last + timedelta(milliseconds=place + 1)).isoformat().replace("+00:00", "Z")
        yield {**rows[place % len(rows)], "transaction_id": f"bench-{place}", "event_time": moment}


def load(port, bodies, *, rate, connections=CONNECTIONS, path="/v1/score"):
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(b"\n".join(bodies))
        file.flush()
        given = ("--port", port, "--rate", rate, "--connections", connections, "--bodies", file.name, "--path", path)
        command = [sys.executable, "-m", "tests.benches.open_loop", *map(str, given)]
        found = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def harbor(*words):
    return [sys.executable, "-m", "pipeline.cli", *map(str, words)]


@contextlib.contextmanager
def process_of(command, ready):
    """A process, once `ready` has found in its lines what it looks for; it is ended at the end."""
    process = subprocess.Popen(
        [*REALTIME, *command],
        cwd=HOUSE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )
    try:
        yield ready(process), process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)
        process.stdout.close()


@contextlib.contextmanager
def served(run, folder):
    export = run / "export"
    given = ("--bundle", export / "bundle", "--state", export / "state", "--folder", folder, "--port", 0)

    def ready(process):
        for line in process.stdout:
            if found := re.search(r"at http://127\.0\.0\.1:(\d+)", line):
                return int(found[1])
        raise RuntimeError("the server ended before it was ready")

    with process_of(harbor("serve", *given, "--threshold", "alert_budget"), ready) as found:
        yield found


@contextlib.contextmanager
def echo():
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "tests.benches.echo_app:app",
        "--port",
        str(port),
        "--http",
        "httptools",
    ]
    command += ["--loop", "uvloop", "--no-access-log", "--lifespan", "off", "--log-level", "error"]
    with process_of(command, lambda process: waited_for(process, port)) as found:
        yield found


def mlflow_seconds(run, place):
    """Processor seconds of a request of one feature row to MLflow's own server."""
    model, port = shutil.copytree(run / "export" / "bundle" / "mlflow", place / "mlflow"), free_port()
    golden = (run / "export" / "bundle" / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    inputs = [json.loads(line)["inputs"] for line in golden]
    bodies = [
        json.dumps({"dataframe_records": [inputs[place % len(inputs)]]}).encode() for place in range(MLFLOW_REQUESTS)
    ]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model), "--port", str(port)]
    with process_of(
        [*command, "--env-manager", "local", "--workers", "1"], lambda process: waited_for(process, port)
    ) as (_, process):
        load(port, bodies[:20], rate=0, connections=1, path="/invocations")
        before = processor_seconds(process.pid)
        found = load(port, bodies, rate=0, connections=1, path="/invocations")
        print(f"MLflow: {found['statuses']}, p50 {found['p50']:.1f} ms", flush=True)
        return (processor_seconds(process.pid) - before) / found["requests"]


def free_port():
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def waited_for(process, port):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), contextlib.closing(socket.create_connection(("127.0.0.1", port), 1)):
            return port
        time.sleep(0.2)
    process.kill()
    raise RuntimeError(f"nobody listens at {port}: {process.stdout.read()[-2000:]}")


def processor_seconds(leader):
    """Of all processes in the session of one that leads it."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            ticks += (int(fields[11]) + int(fields[12])) * (int(fields[3]) == leader)
    return ticks / os.sysconf("SC_CLK_TCK")
