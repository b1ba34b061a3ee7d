"""Be one start of a fake agent: `python -I -S -E run.py PLAN`.

Whatever the supervisor passes on or leaves out, environment, descriptors, working directory, makes no difference.
This file is compiled anew at every start, so there is little of it.
"""

from time import monotonic_ns

STARTED = monotonic_ns()

import sys  # noqa: E402

sys.path.append(__file__.rpartition("/crashrig/")[0])

from crashrig.agents.birth import be_born  # noqa: E402

if __name__ == "__main__":
    be_born(sys.argv[1], STARTED)
