from common import events
from user_service.api_tokens import services


def note_use(event: events.ApiTokenUsed) -> None:
    services.note_use_elsewhere(token_id=event.id, used_at=event.used_at)
