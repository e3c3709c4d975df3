class StartError(RuntimeError):
    """Why something cannot run, in one line for the person who started it."""
