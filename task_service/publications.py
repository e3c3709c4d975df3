"""What task_service tells the others."""

from common import events

PUBLICATIONS = (
    events.TaskCreated,
    events.TaskUpdated,
    events.TaskCompleted,
    events.TaskReopened,
    events.TaskDeleted,
    events.TaskErased,
    events.ApiTokenUsed,
    events.ErasurePrepared,
    events.ErasureRefused,
    events.ErasureDone,
    events.ExportPart,
    events.ExportFailed,
)
