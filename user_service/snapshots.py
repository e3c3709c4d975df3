"""What user_service can tell again: name → rows, and the event that says what a row is now."""

from common import events
from common.models import ApiToken
from common.snapshots import Snapshot
from user_service.api_tokens import services as api_tokens
from user_service.users import services as users
from user_service.users.models import User

SNAPSHOTS = {
    "users": Snapshot(
        rows=User.objects.defer("search"),
        event_of=lambda user: users.event_of(events.UserUpdated, user),
        fields=["username", "display_name", "is_active", "is_staff", "is_superuser"],
    ),
    "api_tokens": Snapshot(
        rows=ApiToken.objects.kept(),
        event_of=lambda token: api_tokens.event_of(events.ApiTokenCreated, token),
        fields=["user_id", "name", "digest", "scopes", "created_at", "expires_at", "revoked_at"],
    ),
}
