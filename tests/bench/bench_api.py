# SPDX-License-Identifier: LGPL-2.1-or-later
"""The REST API beside FastAPI and asyncpg on the same PostgreSQL, asked by wrk; and with calls up meanwhile."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from bench_servers import CORES, HERE, ApiFastApi, Cordboard, pinned

CONNECTIONS = 64
AGENTS = 20
CALLS = 50
UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}


class Postgres:
    """A PostgreSQL of its own, on the telephones' cores."""

    def __enter__(self):
        self.process = subprocess.Popen(
            pinned([os.path.join(os.path.dirname(HERE), "support", "with-postgres"), "sh", "-c",
                    'echo "$CORDBOARD_TEST_POSTGRES"; exec cat'], CORES[:-1] or CORES),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.uri = self.process.stdout.readline().strip()
        if not self.uri.startswith("postgresql:"):
            raise RuntimeError("no PostgreSQL: " + (self.uri or "it does not start"))
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)


def cpu_seconds(pid):
    """Of all threads, as the scheduler counts; what has ended meanwhile is missing."""
    total = 0
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as file:
            total += int(file.read().split()[0])
    return total / 1e9


def ask(url, body=None):
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None,
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def fill(base):
    """The agents that are listed; only the first takes calls."""
    for number in range(AGENTS - 1):
        ask(base + "/api/agents", {
            "name": "Agent %d" % number, "is_active": False,
            "description": "Answers the telephone of a dental practice in the afternoon",
            "tools_enabled": ["end_call", "transfer_call"], "metadata": {"department": "sales", "level": number}})
    return ask(base + "/api/agents")[1]["id"]


def start_wrk(url, seconds, first=()):
    return subprocess.Popen(
        pinned([*first, "wrk", "-t1", "-c%d" % CONNECTIONS, "-d%ds" % seconds, "--latency", url], CORES[:-1] or CORES),
        stdout=subprocess.PIPE, text=True)


def to_ms(text):
    number, unit = re.match(r"([\d.]+)(\w+)", text).groups()
    return float(number) * UNITS[unit]


def read_wrk(wrk):
    text = wrk.communicate()[0]
    found = {name: re.search(pattern, text) for name, pattern in (
        ("requests", r"(\d+) requests in"), ("rate", r"Requests/sec:\s+([\d.]+)"),
        ("p50", r"\n +50% +(\S+)"), ("p99", r"\n +99% +(\S+)"), ("bad", r"Non-2xx or 3xx responses: (\d+)"))}
    if not found["rate"] or found["bad"]:
        raise RuntimeError("wrk says: " + text)
    return {"requests": int(found["requests"][1]), "requests_per_second": float(found["rate"][1]),
            "p50_ms": to_ms(found["p50"][1]), "p99_ms": to_ms(found["p99"][1])}


def measure(name, server, path, seconds):
    print("%s, GET %s" % (name, re.sub("[0-9a-f-]{36}", "{id}", path)), file=sys.stderr)
    read_wrk(start_wrk(server.base + path, 1))  # what is made at the first time
    before = cpu_seconds(server.process.pid)
    row = read_wrk(start_wrk(server.base + path, seconds))
    cpu = cpu_seconds(server.process.pid) - before
    return dict(row, server=name, path=re.sub("[0-9a-f-]{36}", "{id}", path), connections=CONNECTIONS,
                cpu_us_per_request=round(1e6 * cpu / row["requests"], 1))


def measure_with_calls(build, server, seconds):
    """Callers are set up, talk and hang up while wrk asks as fast as it can."""
    print("Cordboard, GET /api/agents with %d calls" % CALLS, file=sys.stderr)
    # on its core the telephones go first: it is the server's lateness that is asked for
    wrk = start_wrk(server.base + "/api/agents", 120, ["nice", "-n", "10"])
    load = subprocess.run(
        pinned([os.path.join(build, "tests", "bench", "cordboard-load"), "--url", server.url, "--calls", str(CALLS),
                "--mode", "talk", "--ramp", "10", "--seconds", str(seconds), "--pid", str(server.process.pid)],
               CORES[:-1] or CORES), stdout=subprocess.PIPE, text=True)
    wrk.send_signal(signal.SIGINT)
    row = dict(read_wrk(wrk), server="Cordboard, %d calls" % CALLS, path="/api/agents", connections=CONNECTIONS)
    calls = json.loads(load.stdout.strip().split("\n")[-1])
    return dict(row, **{key: calls[key] for key in ("up", "failed", "late_frames", "worst_ms", "waited_percent",
                                             "phones_late_ms")})


def measure_api(build, work, options):
    """Rows, the median of the rounds by requests a second."""
    kind = ApiFastApi(work)
    if not shutil.which("wrk"):
        print("wrk is not installed: the REST API is left out", file=sys.stderr)
        return []
    rounds, rows = {}, []
    with Postgres() as postgres, tempfile.TemporaryDirectory() as state, \
            Cordboard(build, "full").start(state, env={"DATABASE_URL": postgres.uri}) as server:
        agent = fill(server.base)
        servers = [("Cordboard", server)]
        other = None
        if not options.no_compare and kind.install():
            other = kind.start(postgres.uri)
            servers.append(("FastAPI, asyncpg", other.__enter__()))
        try:
            for _ in range(options.rounds):
                for path in ("/api/agents", "/api/agents/" + agent):
                    for name, one in servers:
                        row = measure(name, one, path, options.seconds)
                        rounds.setdefault((row["path"], name), []).append(row)
        finally:
            if other:
                other.__exit__()
        rows = [sorted(found, key=lambda row: row["requests_per_second"])[len(found) // 2] for found in rounds.values()]
        time.sleep(1)
        rows.append(measure_with_calls(build, server, max(options.seconds, 8)))
    return rows


def check_api(rows):
    goals = []
    for row in rows:
        if row["server"] == "Cordboard":
            other = next((r for r in rows if r["server"].startswith("FastAPI") and r["path"] == row["path"]), None)
            if other:
                ahead = row["requests_per_second"] / other["requests_per_second"]
                goals.append(("GET %s, at least 5 times FastAPI's requests a second" % row["path"],
                              "%.1f times" % ahead, ahead >= 5))
        elif "late_frames" in row:
            goals.append(("no frame later than 40 ms in %d calls meanwhile" % CALLS,
                          "%d late, worst %.0f ms" % (row["late_frames"], row["worst_ms"]),
                          row["late_frames"] == 0 and row["failed"] == 0 and row["up"] == CALLS))
    return goals


def show_api(rows):
    print("\n%-22s %-18s %12s %9s %9s %12s %6s" % ("REST, %d connections" % CONNECTIONS, "GET", "requests/s", "p50 ms",
                                                 "p99 ms", "us/request", "late"))
    for row in rows:
        print("%-22s %-18s %12.0f %9.1f %9.1f %12s %6s" % (
            row["server"], row["path"], row["requests_per_second"], row["p50_ms"], row["p99_ms"],
            row.get("cpu_us_per_request", "-"), row.get("late_frames", "-")))
