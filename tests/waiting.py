import time


def wait_until(condition, *, seconds=10):
    """Return what the condition returned as soon as that is true; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return found
