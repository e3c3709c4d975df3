from common import events
from task_service.exports import services


def tell_export(event: events.ExportRequested) -> None:
    services.tell_export(export_id=event.id, user_id=event.user_id)
