"""THE CONTRACT between the services: one frozen dataclass an event, in a CloudEvents 1.0 envelope.

An event carries its aggregate's whole public snapshot and version, so a consumer may get it twice, late or out of order
and only writes what is newer. New fields need a default; what breaks a reader is a new type (`user.registered.v2`).
`make contracts` publishes all of it, with these docstrings, in docs/contracts/.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from msgspec import Meta

Moment = Annotated[datetime, Meta(tz=True)]  # with its offset from UTC


@dataclass(frozen=True, kw_only=True)
class Event:
    type: ClassVar[str]
    id: UUID  # of the aggregate
    version: int  # of the aggregate, from 1, strictly increasing


@dataclass(frozen=True, kw_only=True)
class UserEvent(Event):
    username: str
    display_name: str
    is_active: bool
    is_staff: bool
    is_superuser: bool


@dataclass(frozen=True, kw_only=True)
class UserRegistered(UserEvent):
    """Somebody has an account from now on."""

    type = "user.registered"


@dataclass(frozen=True, kw_only=True)
class UserUpdated(UserEvent):
    """Something that others may know of a person changed, also what they may do."""

    type = "user.updated"


@dataclass(frozen=True, kw_only=True)
class UserErased(Event):
    """The person is gone for ever: the tombstone, newer than all that was told of them."""

    type = "user.erased"


@dataclass(frozen=True, kw_only=True)
class SessionRevoked(Event):
    """A sign-in was ended: its access tokens are refused from now on. `id` is their `sid`; there is one version."""

    type = "session.revoked"
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class ApiTokenEvent(Event):
    user_id: UUID
    name: str
    digest: str  # SHA-256 of the secret, from which nobody finds 256 random bits
    scopes: list[str]
    created_at: Moment
    expires_at: Moment
    revoked_at: Moment | None


@dataclass(frozen=True, kw_only=True)
class ApiTokenCreated(ApiTokenEvent):
    """A script may come in as the person from now on, for what `scopes` say."""

    type = "api_token.created"


@dataclass(frozen=True, kw_only=True)
class ApiTokenRevoked(ApiTokenEvent):
    """No script comes in with it any more."""

    type = "api_token.revoked"


@dataclass(frozen=True, kw_only=True)
class ApiTokenUsed(Event):
    """Somebody came in with it, told by the service they came to. `version` is the moment in seconds: it grows too."""

    type = "api_token.used"
    used_at: Moment


@dataclass(frozen=True, kw_only=True)
class TaskEvent(Event):
    title: str
    description: str
    status: str
    priority: str
    start_at: Moment | None
    due_at: Moment | None
    parent: UUID | None
    assignees: list[UUID]
    created_by: UUID
    completed_at: Moment | None
    created_at: Moment
    updated_at: Moment
    deleted_at: Moment | None


@dataclass(frozen=True, kw_only=True)
class TaskCreated(TaskEvent):
    """There is a task that was not there before."""

    type = "task.created"


@dataclass(frozen=True, kw_only=True)
class TaskUpdated(TaskEvent):
    """Something of a task changed that no other type tells."""

    type = "task.updated"


@dataclass(frozen=True, kw_only=True)
class TaskCompleted(TaskEvent):
    """A task is done that was not."""

    type = "task.completed"


@dataclass(frozen=True, kw_only=True)
class TaskReopened(TaskEvent):
    """A task was done and is not any more."""

    type = "task.reopened"


@dataclass(frozen=True, kw_only=True)
class TaskDeleted(TaskEvent):
    """To the trash: the snapshot's `deleted_at` is set."""

    type = "task.deleted"


@dataclass(frozen=True, kw_only=True)
class TaskErased(Event):
    """Gone for ever: the tombstone, newer than all that was told of the task, and with no word of it."""

    type = "task.erased"
    erased_at: Moment


@dataclass(frozen=True, kw_only=True)
class ErasureEvent(Event):
    """`id` is the erasure's; user_service and each participant number what they say of it themselves."""

    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class ErasureRequested(ErasureEvent):
    """May this person be erased? Nothing is destroyed yet."""

    type = "erasure.requested"
    deadline: Moment


@dataclass(frozen=True, kw_only=True)
class ErasurePrepared(ErasureEvent):
    """Nothing here stands against it, and nobody gives the person anything new."""

    type = "erasure.prepared"


@dataclass(frozen=True, kw_only=True)
class ErasureRefused(ErasureEvent):
    """It may not be, for this reason."""

    type = "erasure.refused"
    reason: str  # a sentence that the person may read


@dataclass(frozen=True, kw_only=True)
class ErasureCommitted(ErasureEvent):
    """Decided: from here there is only forward."""

    type = "erasure.committed"


@dataclass(frozen=True, kw_only=True)
class ErasureCancelled(ErasureEvent):
    """Decided: everything stays as it was."""

    type = "erasure.cancelled"


@dataclass(frozen=True, kw_only=True)
class ErasureDone(ErasureEvent):
    """Nothing is left of the person here."""

    type = "erasure.done"


@dataclass(frozen=True, kw_only=True)
class ExportRequested(Event):
    """`id` is the export's; there is one version."""

    type = "export.requested"
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class ExportPart(Event):
    """A piece of what a service holds about the person; `version` is its number, from 1 to `parts`."""

    type = "export.part"
    parts: int
    data: bytes  # all of them in a row are zlib-compressed JSON


@dataclass(frozen=True, kw_only=True)
class ExportFailed(Event):
    """Instead of parts: a service holds more about the person than it can tell; there is one version."""

    type = "export.failed"
