from common import events
from user_service.erasure import services


def commit_erasure(event: events.ErasurePrepared) -> None:
    services.commit_erasure(erasure_id=event.id)


def refuse_erasure(event: events.ErasureRefused) -> None:
    services.refuse_erasure(erasure_id=event.id, reason=event.reason)


def finish_erasure(event: events.ErasureDone) -> None:
    services.finish_erasure(erasure_id=event.id)
