# SPDX-License-Identifier: LGPL-2.1-or-later
"""The servers that tests/bench/run compares, each alone on the last core."""
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CORES = sorted(os.sched_getaffinity(0))
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def pinned(command, cores):
    if len(CORES) < 2 or not shutil.which("taskset"):
        return command
    return ["taskset", "-c", ",".join(map(str, cores))] + command


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process on its own core, from its start until `with` is left."""

    def __init__(self, command, port, env=None):
        self.port = port
        self.url = "http://127.0.0.1:%d/api/twilio/incoming" % port
        self.process = subprocess.Popen(pinned(command, CORES[-1:]), env=env, **QUIET)

    def __enter__(self):
        for _ in range(150):
            try:
                urllib.request.urlopen("http://127.0.0.1:%d/health" % self.port, timeout=1)
                return self
            except urllib.error.HTTPError:
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        self.__exit__()
        raise RuntimeError("the server does not start")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Cordboard:
    """`cordboard serve` with the agent of a folder here."""

    def __init__(self, build, agents):
        self.build = build
        self.agents = os.path.join(HERE, agents)

    def start(self, state):
        plugins = os.path.join(self.build, "tests", "bench")
        env = dict(os.environ, CORDBOARD_DATA_DIR=self.agents,
                   GST_PLUGIN_PATH=plugins + ":" + os.environ.get("GST_PLUGIN_PATH", ""))
        for name in ("TWILIO_AUTH_TOKEN", "APP_URL", "PUBLIC_HOST"):
            env.pop(name, None)
        port = free_port()
        return Server(["cordboard", "serve", "--listen", "127.0.0.1:%d" % port, "--state-dir", state,
                       "--workers", "1", "--drain-timeout", "1", "--log-format", "json"], port, env)


class FastApi:
    """The least that echoes in FastAPI: uvicorn with uvloop, httptools and websockets."""

    def __init__(self, work):
        self.venv = os.path.join(work, "fastapi")
        self.python = os.path.join(self.venv, "bin", "python3")

    def install(self):
        done = os.path.join(self.venv, "installed")
        if os.path.exists(done):
            return True
        for command in ([sys.executable, "-m", "venv", self.venv],
                        [self.python, "-m", "pip", "install", "-q", "fastapi", "uvicorn[standard]"]):
            if subprocess.run(command, **QUIET).returncode:
                return False
        open(done, "w").close()
        return True

    def start(self, state):
        port = free_port()
        return Server([self.python, os.path.join(HERE, "servers", "echo-fastapi.py"), str(port)], port)


class Node:
    """The least that echoes in Node with ws."""

    def __init__(self, work):
        self.folder = os.path.join(work, "node")

    def install(self):
        if not shutil.which("node") or not shutil.which("npm"):
            return False
        os.makedirs(self.folder, exist_ok=True)
        return os.path.isdir(os.path.join(self.folder, "node_modules", "ws")) or not subprocess.run(
            ["npm", "install", "--silent", "--prefix", self.folder, "ws@8"], **QUIET).returncode

    def start(self, state):
        env = dict(os.environ, NODE_PATH=os.path.join(self.folder, "node_modules"))
        port = free_port()
        return Server(["node", os.path.join(HERE, "servers", "echo-ws.js"), str(port)], port, env)
