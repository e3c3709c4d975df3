from django.db import models


class ExportRequest(models.Model):
    """A person's copy that we owe our part of. Gone when the schedule has told it, about a second later."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="of the export in user_service")
    user_id = models.UUIDField()

    def __str__(self) -> str:
        return str(self.id)
