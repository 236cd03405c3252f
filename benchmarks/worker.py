"""The process that a warm contender lives in: it reads one JSON request a line and answers each with one JSON line.

Standard library only, since it runs in every environment. The first request carries the code; each later one is a
turn. What a turn creates is dropped after the clock has stopped, so that no contender is charged for another's rubbish.
"""

import contextlib
import gc
import json
import sys
import time


def main() -> None:
    """Prepare once, then take turns until the input ends."""
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # a library's chatter must not mix with the answers
        for line in sys.stdin:
            request = json.loads(line)
            try:
                if "timed" in request:
                    scope, timed = prepare(request)
                    answer = {}
                else:
                    answer = turn(scope, timed, request["loops"])
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def prepare(request: dict) -> tuple:
    """Run the setup; the same number of threads for everyone who has loaded torch by then."""
    scope = dict(request["variables"])
    exec(request["setup"], scope)  # noqa: S102
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(request["threads"])
    return scope, compile(request["timed"], "<timed>", "exec")


def turn(scope: dict, timed: object, loops: int) -> dict:
    """Seconds of wall clock and of CPU (all threads) for one run of `timed`, as the mean of `loops`."""
    wall = cpu = 0.0
    for _ in range(loops):
        fresh = dict(scope)
        gc.collect()
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        exec(timed, fresh)  # noqa: S102
        wall, cpu = wall + time.perf_counter() - wall_start, cpu + time.process_time() - cpu_start
    return {"wall": wall / loops, "cpu": cpu / loops}


if __name__ == "__main__":
    main()
