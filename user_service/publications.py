"""What user_service tells the others."""

from common import events

PUBLICATIONS = (
    events.UserRegistered,
    events.UserUpdated,
    events.UserErased,
    events.SessionRevoked,
    events.ApiTokenCreated,
    events.ApiTokenRevoked,
    events.ErasureRequested,
    events.ErasureCommitted,
    events.ErasureCancelled,
    events.ExportRequested,
)
