"""The process that a warm contender lives in: it reads one JSON request a line and answers each with one JSON line.

Standard library only, since it runs in every environment. The first request carries the code; each later one is a
run. What a run creates is dropped after the clock has stopped, so that no contender is charged for another's rubbish.
"""

import contextlib
import gc
import json
import sys
import time


def main() -> None:
    """Prepare once, then run whenever asked until the input ends."""
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # a library's chatter must not mix with the answers
        for line in sys.stdin:
            request = json.loads(line)
            try:
                if "timed" in request:
                    scope, before, timed = prepare(request)
                    answer = {}
                else:
                    answer = run_once(scope, before, timed)
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
    return scope, compile(request["before"], "<before>", "exec"), compile(request["timed"], "<timed>", "exec")


def run_once(scope: dict, before: object, timed: object) -> dict:
    """Seconds of wall clock and of CPU (all threads) for one run of `timed` on what the setup and `before` left."""
    fresh = dict(scope)
    exec(before, fresh)  # noqa: S102
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    exec(timed, fresh)  # noqa: S102
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


if __name__ == "__main__":
    main()
