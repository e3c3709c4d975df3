"""What task_service hears: event → effect."""

from common import events
from task_service.user_mirror.handlers import mirror_api_token, mirror_user, revoke_session

SUBSCRIPTIONS = {
    events.UserRegistered: mirror_user,
    events.UserUpdated: mirror_user,
    events.SessionRevoked: revoke_session,
    events.ApiTokenCreated: mirror_api_token,
    events.ApiTokenRevoked: mirror_api_token,
}
