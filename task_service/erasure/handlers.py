from common import events
from task_service.erasure import services


def prepare_erasure(event: events.ErasureRequested) -> None:
    services.prepare_erasure(event=event)


def commit_erasure(event: events.ErasureCommitted) -> None:
    services.commit_erasure(event=event)


def cancel_erasure(event: events.ErasureCancelled) -> None:
    services.cancel_erasure(event=event)
