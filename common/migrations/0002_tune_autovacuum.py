from django.db import migrations


class Migration(migrations.Migration):
    """Every row of the outbox is written twice and then deleted: vacuum by number, not by share of the table."""

    dependencies = [("common", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE common_outboxevent SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,"
            " autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000,"
            " autovacuum_vacuum_cost_delay = 0, fillfactor = 80)",
            "ALTER TABLE common_outboxevent RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,"
            " autovacuum_analyze_scale_factor, autovacuum_analyze_threshold, autovacuum_vacuum_cost_delay, fillfactor)",
        )
    ]
