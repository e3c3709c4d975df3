"""`make down`: stop the system of DATA_DIR, whichever terminal it was started in."""

import os
import signal
import sys
import time

from local.settings import read_data_dir
from local.state import holder
from local.supervisor import Supervisor


def main() -> int:
    data_dir = read_data_dir(os.environ)
    runner = holder(data_dir)
    if runner is None:
        Supervisor(data_dir).stop()
        print(f"Nothing runs in {data_dir}")
        return 0
    os.kill(runner, signal.SIGTERM)
    deadline = time.monotonic() + 120
    while holder(data_dir) is not None:
        if time.monotonic() > deadline:
            print(f"Process {runner} does not stop", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print("Stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
