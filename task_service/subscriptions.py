"""What task_service hears: event → effect; and which of its rows are mirrors of another service's."""

from common import events
from common.mirrors import Mirrored
from common.models import ApiToken
from task_service.erasure.handlers import cancel_erasure, commit_erasure, prepare_erasure
from task_service.exports.handlers import request_export
from task_service.user_mirror.handlers import bury_user, mirror_api_token, mirror_user, revoke_session
from task_service.user_mirror.models import User

SUBSCRIPTIONS = {
    events.UserRegistered: mirror_user,
    events.UserUpdated: mirror_user,
    events.UserErased: bury_user,
    events.SessionRevoked: revoke_session,
    events.ApiTokenCreated: mirror_api_token,
    events.ApiTokenRevoked: mirror_api_token,
    events.ErasureRequested: prepare_erasure,
    events.ErasureCommitted: commit_erasure,
    events.ErasureCancelled: cancel_erasure,
    events.ExportRequested: request_export,
}

MIRRORS = [
    Mirrored(
        name="users",
        source="user_service",
        rows=User.objects.not_erased(),
        fields=["username", "display_name", "is_active", "is_staff", "is_superuser"],
        tombstone=lambda key, version: events.UserErased(id=key, version=version),
    ),
    Mirrored(
        name="api_tokens",
        source="user_service",
        rows=ApiToken.objects.kept(),
        fields=["user_id", "name", "digest", "scopes", "created_at", "expires_at", "revoked_at"],
    ),
]
