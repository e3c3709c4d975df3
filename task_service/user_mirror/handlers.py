from common import events, revocations
from common.mirrors import Mirror
from common.models import ApiToken
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


@Mirror
def bury_user(event: events.UserErased) -> User:
    """Their id stays, without a name: no late event, and no token, brings the person back."""
    return User(id=event.id, version=event.version, username="", is_active=False)


def revoke_session(event: events.SessionRevoked) -> None:
    revocations.revoke([event.id])


@Mirror
def mirror_api_token(event: events.ApiTokenEvent) -> ApiToken | None:
    """What is said last is its end: that its use here is forgotten by then is no loss.

    Of who was erased nothing is kept, however late it comes; what comes in the moment of the erasure goes with the
    next sweep.
    """
    if User.objects.erased().filter(pk=event.user_id).exists():
        return None
    return ApiToken(
        id=event.id,
        version=event.version,
        user_id=event.user_id,
        name=event.name,
        digest=event.digest,
        scopes=event.scopes,
        created_at=event.created_at,
        expires_at=event.expires_at,
        revoked_at=event.revoked_at,
    )
