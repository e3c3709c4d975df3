from common import events, mirrors
from task_service.user_mirror.models import User


def mirror_user(event: events.UserEvent) -> None:
    mirrors.upsert(
        User(
            id=event.id,
            version=event.version,
            username=event.username,
            display_name=event.display_name,
            is_active=event.is_active,
            is_staff=event.is_staff,
            is_superuser=event.is_superuser,
        )
    )
