"""Run a command and write its exit status, wall and CPU seconds and peak bytes to an open file descriptor.

Started as `python -I -S spawn.py DESCRIPTOR COMMAND…` and kept tiny on purpose. Linux begins a child's `ru_maxrss` at
the peak of the process that spawned it: a parent of 100 MB would report every child as at least that large. This one is
smaller than any Python that it measures; it imports built-in modules only.
"""

import posix
import sys
import time

start = time.perf_counter()
pid = posix.posix_spawn(sys.argv[2], sys.argv[2:], posix.environ)
_, status, usage = posix.wait4(pid, 0)
wall = time.perf_counter() - start
peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
answer = f"{posix.waitstatus_to_exitcode(status)} {wall!r} {usage.ru_utime + usage.ru_stime!r} {peak}"
posix.write(int(sys.argv[1]), answer.encode())
