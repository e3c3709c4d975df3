from common import events, revocations
from common.mirrors import Mirror
from task_service.user_mirror.models import User


@Mirror
def mirror_user(event: events.UserEvent) -> User:
    return User(
        id=event.id,
        version=event.version,
        username=event.username,
        display_name=event.display_name,
        is_active=event.is_active,
        is_staff=event.is_staff,
        is_superuser=event.is_superuser,
    )


def revoke_session(event: events.SessionRevoked) -> None:
    revocations.revoke([event.id])
