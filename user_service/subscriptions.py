"""What user_service hears: event → effect."""

from common import events
from user_service.api_tokens.handlers import note_use
from user_service.task_mirror.handlers import mirror_task

SUBSCRIPTIONS = {
    events.TaskCreated: mirror_task,
    events.TaskUpdated: mirror_task,
    events.TaskCompleted: mirror_task,
    events.TaskReopened: mirror_task,
    events.TaskDeleted: mirror_task,
    events.ApiTokenUsed: note_use,
}
