# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the figures of tests/bench/run must show."""

US_PER_PAIR = 25  # at 100 calls, echoed
SPREAD = 0.20  # how much of that more or fewer calls may change it
TIMES_FASTAPI = 3
KIB_PER_CALL = 256
FULL_CALLS = 400
SERVICES_CALLS = 300
ADDED_P50_MS, ADDED_P99_MS = 1, 5


def find(rows, server, calls):
    return next((row for row in rows if row["server"] == server and row["calls"] == calls), None)


def ratio(rounds, one, other):
    """How many times as much processor time the one row takes as the other, in the median round."""
    found = [(find(turn, *one), find(turn, *other)) for turn in rounds]
    ratios = sorted(a["us_per_frame_pair"] / b["us_per_frame_pair"] for a, b in found if a and b)
    return ratios[len(ratios) // 2] if ratios else None


def check_echo(rows, rounds):
    goals = []
    at_100 = ("Cordboard, echo", 100)
    echo = find(rows, *at_100)
    if not echo:
        return goals
    cost = echo["us_per_frame_pair"]
    goals.append(("echo at 100 calls, at most %d us a frame pair" % US_PER_PAIR, "%.1f us" % cost,
                  cost <= US_PER_PAIR))
    for row in rows:
        if row["server"] == "Cordboard, echo" and row["calls"] != 100:
            more = ratio(rounds, ("Cordboard, echo", row["calls"]), at_100) - 1
            goals.append(("echo at %d calls, at most %d %% more than that" % (row["calls"], SPREAD * 100),
                          "%+.0f %%" % (100 * more), more <= SPREAD))
    for name, times in (("FastAPI, echo", TIMES_FASTAPI), ("Node ws, echo", 1)):
        more = ratio(rounds, (name, 100), at_100)
        if more:
            goals.append(("%s needs more, at least %d times" % (name, times), "%.1f times" % more,
                          more >= times))
    return goals


def check_talk(row, what, calls):
    label = "%s, %d calls: " % (what, row["calls"])
    goals = []
    if row["calls"] >= calls:
        goals.append((label + "no frame later than 40 ms",
                      "%d late, worst %.0f ms" % (row["late_frames"], row["worst_ms"]),
                      row["late_frames"] == 0 and row["failed"] == 0 and row["up"] == row["calls"]))
    if row["calls"] > 1:
        goals.append((label + "at most %d KiB a call" % KIB_PER_CALL, "%d KiB" % row["kib_per_call"],
                      row["kib_per_call"] <= KIB_PER_CALL))
    return goals


def check_added(row):
    """What we add to the services' own times, on the way to the voice and back."""
    if row["calls"] not in (1, SERVICES_CALLS) or not row["words_ms"]["count"]:
        return []
    words, voice = row["words_ms"], row.get("voice_ms")
    found = [("a clause's last token to the voice's being asked", words["p50_ms"], words["p99_ms"])]
    if voice:
        found.append(("the voice's first byte to the carrier", voice["p50"], voice["p99"]))
    return [("%s, %d calls: p50 %d ms, p99 %d ms" % (what, row["calls"], ADDED_P50_MS, ADDED_P99_MS),
             "%.1f ms, %.1f ms" % (p50, p99), p50 <= ADDED_P50_MS and p99 <= ADDED_P99_MS)
            for what, p50, p99 in found]


def check_services(rows, rounds):
    goals = []
    for name in ("Cordboard, services", "Cordboard, TLS"):
        for row in rows:
            if row["server"] != name or row["calls"] <= 50:
                continue
            more = ratio(rounds, (name, row["calls"]), (name, 50))
            if more:
                goals.append(("%s, %d calls: at most %d %% more a frame than with 50" % (
                    name, row["calls"], SPREAD * 100), "%+.0f %%" % (100 * (more - 1)), more <= 1 + SPREAD))
    more = ratio(rounds, ("Node SDKs, services", SERVICES_CALLS), ("Cordboard, services", SERVICES_CALLS))
    if more:
        goals.append(("Node with the vendors' SDKs needs more", "%.1f times" % more, more > 1))
    return goals


def check(rows, rounds):
    """The goals that these rows can tell of: (what, figure, met)."""
    goals = check_echo(rows, rounds)
    for row in rows:
        if row["server"] == "Cordboard, full":
            goals += check_talk(row, "full pipeline", FULL_CALLS)
        elif row["server"] == "Cordboard, services":
            goals += check_talk(row, "over services", SERVICES_CALLS) + check_added(row)
        elif row["server"] == "Cordboard, TLS":
            goals += check_talk(row, "over services with TLS", SERVICES_CALLS)
    goals += check_services(rows, rounds)
    for row in rows:
        if row["server"].startswith("Cordboard"):
            goals.append(("%s, %d calls: no thread more than without" % (row["server"], row["calls"]),
                          "%d threads" % row["threads"], row["threads"] <= row["threads_idle"]))
    return goals
