"""An agent in Python that shows that its work goes on: it beats from its own loop, not from a thread."""

import time

from holdfast import Heartbeat

WORK_SECONDS = 10.0


def main() -> None:
    """Work for ever. The heartbeat goes wherever the supervisor wants it; run by hand, it goes nowhere."""
    heartbeat = Heartbeat()
    while True:
        heartbeat.beat()
        time.sleep(WORK_SECONDS)  # the work


if __name__ == "__main__":
    main()
