import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tokens', '0002_session_second_factor'),
    ]

    operations = [
        # The column stays while web processes of before may still write it; nobody reads it any more.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField(
                    model_name='session',
                    name='previous',
                ),
            ],
        ),
        migrations.AddField(
            model_name='session',
            name='lately',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), db_default=[], default=list, help_text="those before, newest first: good for a retry, a short time", size=None),
        ),
        migrations.AddField(
            model_name='session',
            name='lately_at',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), db_default=[], default=list, help_text='when each of them was rotated', size=None),
        ),
    ]
