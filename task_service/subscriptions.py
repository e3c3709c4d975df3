"""What task_service hears: event → effect."""

from common import events
from task_service.erasure.handlers import cancel_erasure, commit_erasure, prepare_erasure
from task_service.exports.handlers import request_export
from task_service.user_mirror.handlers import bury_user, mirror_api_token, mirror_user, revoke_session

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
