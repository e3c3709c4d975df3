"""`make up`: start the whole system, say where it is, and stop it all on Ctrl-C."""

import contextlib
import os
import signal
import sys
from types import FrameType

from local.errors import StartError
from local.ports import is_free
from local.settings import Settings
from local.state import held_by_us, make_data_dir
from local.supervisor import Supervisor
from local.system import System, say

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody wants the system to end."""


def main() -> int:
    for number in SIGNALS:
        signal.signal(number, _stop)
    try:
        settings = Settings.read(os.environ)
        make_data_dir(settings.data_dir)
        with held_by_us(settings.data_dir):
            return run(settings)
    except (StartError, OSError) as error:
        print(f"Tandem does not run: {error}", file=sys.stderr)
        return 1
    except Stopped:
        return 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def run(settings: Settings) -> int:
    supervisor = Supervisor(settings.data_dir)
    supervisor.stop()
    if not is_free(settings.port, host="0.0.0.0"):
        raise StartError(f"PORT {settings.port} is taken or not allowed: choose another one, PORT=8081 make up")
    try:
        System(settings, supervisor).start()
        supervisor.wait()
        raise StartError(f"supervisord ended by itself, see {settings.data_dir}/logs/supervisord.log")
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(OSError):  # the terminal may be gone
            say("Stopping …")
        supervisor.stop()


if __name__ == "__main__":
    sys.exit(main())
