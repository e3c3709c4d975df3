from common import events
from user_service.exports import services


def keep_part(event: events.ExportPart) -> None:
    services.keep_part(export_id=event.id, number=event.version, parts=event.parts, data=event.data)


def fail_export(event: events.ExportFailed) -> None:
    services.fail_export(export_id=event.id)
