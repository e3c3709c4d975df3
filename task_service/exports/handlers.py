from common import events
from task_service.exports import services


def request_export(event: events.ExportRequested) -> None:
    services.request_export(export_id=event.id, user_id=event.user_id)
