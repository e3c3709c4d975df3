"""People who write as long as something is broken."""

import threading
from itertools import repeat

from tests.system.burst import Burst
from tests.system.running import System

PAUSE_SECONDS = 0.05


class Load(Burst):
    """A burst without an end of its own: `with` ends it."""

    def __init__(self, system: System, *, seed: int) -> None:
        super().__init__(system, writes=1, seed=seed)
        self.ending = threading.Event()
        self.numbers = map(self._next, repeat(None))

    def _next(self, _: None) -> int:
        """Less than `writes` until the end."""
        return int(self.ending.wait(PAUSE_SECONDS))

    def __exit__(self, *error: object) -> None:
        self.ending.set()
        super().__exit__(*error)

    def more(self, writes: int, seconds: float = 60) -> None:
        """Wait until that many more were answered."""
        goal = self.done + writes
        self.system.eventually(lambda: self.done >= goal or self._failed(), seconds=seconds)
