# SPDX-License-Identifier: LGPL-2.1-or-later
"""The servers that tests/bench/run compares, each alone on the last core."""
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CORES = sorted(os.sched_getaffinity(0))
REAL_TIME = []  # what goes before a server's command where it is not to share its core
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def pinned(command, cores):
    if len(CORES) < 2 or not shutil.which("taskset"):
        return command
    return ["taskset", "-c", ",".join(map(str, cores))] + command


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop(process):
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Server:
    """A server process on its own core, from its start until `with` is left."""

    def __init__(self, command, port, env=None, simulators=None):
        self.port = port
        self.simulators = simulators
        self.base = "http://127.0.0.1:%d" % port
        self.url = self.base + "/api/twilio/incoming"
        self.process = subprocess.Popen(REAL_TIME + pinned(command, CORES[-1:]), env=env, **QUIET)

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
        stop(self.process)
        if self.simulators:
            stop(self.simulators.process)


class Cordboard:
    """`cordboard serve` with the agent of a folder here."""

    def __init__(self, build, agents):
        self.build = build
        self.agents = os.path.join(HERE, agents)

    def start(self, state, simulators=None, env=None):
        more = env or {}
        plugins = os.path.join(self.build, "tests", "bench")
        env = dict(os.environ, CORDBOARD_DATA_DIR=self.agents,
                   GST_PLUGIN_PATH=plugins + ":" + os.environ.get("GST_PLUGIN_PATH", ""))
        for name in ("TWILIO_AUTH_TOKEN", "APP_URL", "PUBLIC_HOST", "DATABASE_URL"):
            env.pop(name, None)
        env.update(more)
        if simulators:
            env.update(simulators.env())
        port = free_port()
        return Server(["cordboard", "serve", "--listen", "127.0.0.1:%d" % port, "--state-dir", state,
                       "--workers", "1", "--drain-timeout", "1", "--log-format", "json"], port, env,
                      simulators)


class Simulators:
    """The services' stand-ins, on the telephones' cores."""

    def __init__(self, build, tls):
        self.tls = os.path.join(os.path.dirname(HERE), "data", "tls", "cert.pem") if tls else None
        command = [os.path.join(build, "tests", "simulators", "cordboard-simulators"),
                   "--script", os.path.join(HERE, "services.json")]
        if tls:
            command += ["--tls-cert", self.tls, "--tls-key", self.tls.replace("cert.pem", "key.pem")]
        self.process = subprocess.Popen(pinned(command, CORES[:-1] or CORES), stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip().rpartition(" ")[2]

    def env(self):
        places = {"DEEPGRAM": "/deepgram", "ELEVENLABS": "/elevenlabs", "OPENAI": "/openai/v1"}
        env = {name + "_API_KEY": "k" for name in places}
        env.update((name + "_BASE_URL", self.url + path) for name, path in places.items())
        return dict(env, SSL_CERT_FILE=self.tls) if self.tls else env

    def latency(self):
        """From the model's token that completes a clause to the voice's being asked."""
        context = ssl.create_default_context(cafile=self.tls) if self.tls else None
        with urllib.request.urlopen(self.url + "/__sim/latency", context=context) as answer:
            return json.load(answer)


class Services(Cordboard):
    """Cordboard with Deepgram, OpenAI and ElevenLabs, as their simulators."""

    def __init__(self, build, tls=False):
        super().__init__(build, "services")
        self.tls = tls

    def start(self, state):
        return super().start(state, Simulators(self.build, self.tls))


class FastApi:
    """The least that echoes in FastAPI: uvicorn with uvloop, httptools and websockets."""

    packages = ["fastapi", "uvicorn[standard]"]

    def __init__(self, work):
        self.venv = os.path.join(work, "fastapi")
        self.python = os.path.join(self.venv, "bin", "python3")

    def install(self):
        done = os.path.join(self.venv, "installed-" + type(self).__name__)
        if os.path.exists(done):
            return True
        for command in ([sys.executable, "-m", "venv", self.venv],
                        [self.python, "-m", "pip", "install", "-q"] + self.packages):
            if subprocess.run(command, **QUIET).returncode:
                return False
        open(done, "w").close()
        return True

    def start(self, state):
        port = free_port()
        return Server([self.python, os.path.join(HERE, "servers", "echo-fastapi.py"), str(port)], port)


class ApiFastApi(FastApi):
    """The least that answers for agents in FastAPI with asyncpg."""

    packages = FastApi.packages + ["asyncpg"]

    def start(self, uri):
        port = free_port()
        return Server([self.python, os.path.join(HERE, "servers", "api-fastapi.py"), str(port), uri], port)


class Node:
    """The least that echoes in Node with ws."""

    packages = ["ws@8"]

    def __init__(self, work):
        self.folder = os.path.join(work, "node")

    def install(self):
        if not shutil.which("node") or not shutil.which("npm"):
            return False
        os.makedirs(self.folder, exist_ok=True)
        done = os.path.join(self.folder, "installed-" + type(self).__name__)
        if os.path.exists(done):
            return True
        if subprocess.run(["npm", "install", "--silent", "--prefix", self.folder] + self.packages,
                          **QUIET).returncode:
            return False
        open(done, "w").close()
        return True

    def start(self, state):
        env = dict(os.environ, NODE_PATH=os.path.join(self.folder, "node_modules"))
        port = free_port()
        return Server(["node", os.path.join(HERE, "servers", "echo-ws.js"), str(port)], port, env)


class NodeAgent(Node):
    """A page of Node on the vendors' SDKs, with the same simulators."""

    packages = Node.packages + ["@deepgram/sdk@5.13.0", "openai@6.49.0", "@elevenlabs/elevenlabs-js@2.73.0"]

    def __init__(self, build, work):
        super().__init__(work)
        self.build = build

    def start(self, state):
        simulators = Simulators(self.build, False)
        env = dict(os.environ, NODE_PATH=os.path.join(self.folder, "node_modules"), **simulators.env())
        port = free_port()
        return Server(["node", os.path.join(HERE, "servers", "agent-sdk.js"), str(port)], port, env,
                      simulators)
