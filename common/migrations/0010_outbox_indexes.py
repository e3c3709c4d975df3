from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Nobody who writes waits for an index of what may be millions of rows, and no timeout cuts it off."""

    atomic = False
    dependencies = [("common", "0009_operators")]
    operations = [
        migrations.RunSQL("SET statement_timeout = 0", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="outboxevent",
            index=models.Index("sent_at", condition=models.Q(state="discarded"), name="outbox_discarded"),
        ),
        AddIndexConcurrently(
            model_name="outboxevent",
            index=models.Index("id", condition=models.Q(state="parked"), name="outbox_parked"),
        ),
        migrations.RunSQL("RESET statement_timeout", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="outboxevent",
            name="sent_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="sent or discarded at"),
        ),
    ]
