"""People who write as long as something is broken."""

import threading
import time
from itertools import repeat

from tests.system.burst import Burst
from tests.system.running import Person, System

PAUSE_SECONDS = 0.05


class Load(Burst):
    """A burst that goes on until `stop` or the end of `with`."""

    def __init__(self, system: System, *, seed: int) -> None:
        super().__init__(system, writes=1, seed=seed)
        self.ending = threading.Event()
        self.numbers = map(self._next, repeat(None))
        self.seconds: list[float] = []
        for person in self.people:
            self._time(person)

    def _next(self, _: None) -> int:
        """Less than `writes` until the end."""
        return int(self.ending.wait(PAUSE_SECONDS))

    def _time(self, person: Person) -> None:
        def begin(request):
            request.extensions["begun"] = time.perf_counter()

        def end(response):
            self.seconds.append(time.perf_counter() - response.request.extensions["begun"])

        person.event_hooks = {"request": [begin], "response": [end]}

    def stop(self) -> None:
        self.ending.set()
        super().__exit__(None)

    def __exit__(self, *_: object) -> None:
        self.stop()

    def more(self, writes: int, seconds: float = 60) -> None:
        """Wait until that many more were answered."""
        goal = self.done + writes
        self.system.eventually(lambda: self.done >= goal or self.has_failed, seconds=seconds)

    @property
    def refused(self) -> int:
        """How often the answer was an error, or none came. A 409 says that the same POST is still running."""
        good = (200, 201, 204, 409, "replayed")
        return sum(count for status, count in list(self.statuses.items()) if status not in good)

    def p95(self) -> float:
        """In seconds, of the answers since it was asked last."""
        seconds, self.seconds = sorted(self.seconds), []
        return seconds[int(len(seconds) * 0.95)]
