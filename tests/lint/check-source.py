#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The house rules that a program can check. Prints TAP, one line a rule; fails with file and line.

A rule without a check is not a rule; a check that is often wrong is not one either. What stands here
is what breaks the house: the arrows between the rooms, waiting on a media thread, files that are two
things.
"""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60

# Who may include whose headers: room -> rooms whose headers it must not name.
ROOMS = {
    "lib/": ["plugins/", "app/"],
    "plugins/": ["app/"],
    "app/": ["plugins/"],
}
MEDIA = ("lib/", "plugins/")
# Kill a writer, a server or a database at moments, or fill a disk under it: the moments are what is tested.
MAY_WAIT = (
    "tests/unit/test-journal-faults.c",
    "tests/calls/test-kills.c",
    "tests/calls/test-outages.c",
    "tests/support/pg-rig.c",
)
BLOCKING = re.compile(
    r"\b(g_usleep|usleep|sleep|nanosleep|g_spawn_sync|soup_session_send_and_read|soup_session_send|"
    r"sqlite3_step|PQexec|getaddrinfo|g_resolver_lookup_by_name|g_socket_client_connect)\s*\("
)
GLOBAL_CONTEXT = re.compile(r"\b(g_idle_add|g_timeout_add)(_full|_seconds|_once|_seconds_full)?\s*\(")
PROMISES = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def tracked():
    try:
        out = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=TOP, capture_output=True, text=True, check=True,
        ).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        out = []
        for folder, names, files in os.walk(TOP):
            names[:] = [n for n in names if not n.startswith((".", "build"))]
            out += [os.path.relpath(os.path.join(folder, f), TOP) for f in files]
    return sorted(p for p in out if p and os.path.isfile(os.path.join(TOP, p)))


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read().split("\n")


def code(lines):
    """The lines without comments and string contents, so that words in them do not count."""
    text = "\n".join(lines)

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    text = re.sub(r'/\*.*?\*/|"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\\n])*\'', blank, text, flags=re.S)
    return text.split("\n")


class Checks:
    def __init__(self):
        self.files = tracked()
        self.sources = [p for p in self.files if p.endswith((".c", ".h"))]
        self.owner = {}
        for path in self.files:
            if path.endswith(".h"):
                self.owner.setdefault(os.path.basename(path), []).append(path)

    def every_file_names_its_licence(self):
        kinds = (".c", ".h", ".py", ".sh", ".sql", "meson.build", ".js")
        for path in self.files:
            if path.endswith(kinds) and not any("SPDX-License-Identifier" in l for l in read(path)[:5]):
                yield path, 1, "no SPDX line"

    def arrows_run_one_way(self):
        for path in self.sources:
            for room, forbidden in ROOMS.items():
                if not path.startswith(room):
                    continue
                for number, line in enumerate(read(path), 1):
                    match = INCLUDE.match(line)
                    owners = self.owner.get(os.path.basename(match.group(1)), []) if match else []
                    if owners and all(o.startswith(tuple(forbidden)) for o in owners):
                        yield path, number, "includes %s" % owners[0]
                    plugin = "/".join(path.split("/")[:2]) + "/"
                    if room == "plugins/" and owners and all(
                        o.startswith("plugins/") and not o.startswith(plugin) for o in owners
                    ):
                        yield path, number, "includes another plugin's %s" % owners[0]

    def files_are_one_thing(self):
        for path in self.sources:
            lines = len(read(path)) - 1
            if lines > MAX_FILE_LINES and not path.startswith("tests/"):
                yield path, lines, "%d lines, at most %d" % (lines, MAX_FILE_LINES)

    def functions_are_short(self):
        for path in self.sources:
            if not path.endswith(".c") or path.startswith("tests/"):
                continue
            start = None
            for number, line in enumerate(code(read(path)), 1):
                if line == "{":
                    start = number
                elif line == "}" and start is not None:
                    if number - start - 1 > MAX_FUNCTION_LINES:
                        yield path, start, "a function of %d lines" % (number - start - 1)
                    start = None

    def nothing_waits_on_a_media_thread(self):
        for path in self.sources:
            if path.startswith(MEDIA):
                for number, line in enumerate(code(read(path)), 1):
                    if BLOCKING.search(line):
                        yield path, number, line.strip()
                    if GLOBAL_CONTEXT.search(line):
                        yield path, number, "uses the default main context: " + line.strip()

    def tests_do_not_wait_for_time_to_pass(self):
        waits = re.compile(r"\b(g_usleep|usleep|sleep|nanosleep)\s*\(")
        for path in self.sources:
            if path.startswith("tests/") and not path.startswith(("tests/bench/",) + MAY_WAIT):
                for number, line in enumerate(code(read(path)), 1):
                    if waits.search(line):
                        yield path, number, line.strip()

    def there_is_no_goto(self):
        for path in self.sources:
            for number, line in enumerate(code(read(path)), 1):
                if re.search(r"\bgoto\b", line):
                    yield path, number, line.strip()

    def nothing_is_left_for_later(self):
        for path in self.sources + [p for p in self.files if p.endswith((".py", ".sh", ".js"))]:
            if path == "tests/lint/check-source.py":
                continue
            for number, line in enumerate(read(path), 1):
                if PROMISES.search(line):
                    yield path, number, line.strip()

    def the_vocabulary_is_in_one_file(self):
        for path in self.sources:
            if path.startswith("tests/") or path in ("lib/cord-events.h", "lib/cord-turn.c"):
                continue
            for number, line in enumerate(read(path), 1):
                if re.search(r'"cordboard/[a-z]+-?[a-z]+"', line):
                    yield path, number, "spells an event's name: " + line.strip()

    def names_say_what_a_file_is(self):
        for path in self.sources:
            if os.path.basename(path).split(".")[0] in ("utils", "util", "common", "helpers", "misc"):
                yield path, 1, "a name that says nothing"


def main():
    checks = Checks()
    rules = [n for n in dir(Checks) if not n.startswith("_")]
    failed = 0
    print("1..%d" % len(rules))
    for number, name in enumerate(rules, 1):
        found = list(getattr(checks, name)())
        for path, line, what in found:
            print("# %s:%d: %s" % (path, line, what))
        print("%s %d - %s" % ("not ok" if found else "ok", number, name.replace("_", " ")))
        failed += bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
