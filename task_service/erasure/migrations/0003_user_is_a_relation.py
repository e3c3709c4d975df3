import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('erasure', '0002_committed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameField(model_name='erasure', old_name='user_id', new_name='user'),
        migrations.AlterField(
            model_name='erasure',
            name='user',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='erasures', to=settings.AUTH_USER_MODEL),
        ),
    ]
