"""`make ps`: a line per process, `name pid state`."""

import os
import sys

from local.settings import SERVICES, read_data_dir
from local.supervisor import Supervisor


def main() -> int:
    data_dir = read_data_dir(os.environ)
    try:
        processes = Supervisor(data_dir).processes()
    except OSError:
        print(f"Nothing runs in {data_dir}", file=sys.stderr)
        return 1
    order = ["edge", "postgres", "rabbitmq", *SERVICES]
    for process in sorted(processes, key=lambda process: order.index(process.name.partition(".")[0])):
        print(f"{process.name}\t{process.pid}\t{process.state}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
