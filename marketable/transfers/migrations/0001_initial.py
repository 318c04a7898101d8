"""The first tables of this area."""

import marketable.history.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE import_run_id_seq", "DROP SEQUENCE import_run_id_seq"),
        migrations.CreateModel(
            name='ImportRun',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('id', models.BigIntegerField(db_default=marketable.history.models.NextId('import_run_id_seq'))),
                ('state', models.CharField(max_length=16)),
                ('source', models.JSONField()),
                ('file_name', models.TextField()),
                ('stored_as', models.TextField()),
                ('byte_size', models.BigIntegerField(default=0)),
                ('format', models.JSONField(default=dict)),
                ('headers', models.JSONField(default=list)),
                ('mapping', models.JSONField(default=dict)),
                ('options', models.JSONField(default=dict)),
                ('check_result', models.JSONField(default=dict)),
                ('staged_rows', models.IntegerField(default=0)),
                ('total', models.IntegerField(default=0)),
                ('done', models.IntegerField(default=0)),
                ('outcomes', models.JSONField(default=dict)),
                ('change_id', models.BigIntegerField(null=True)),
                ('bulk_action_id', models.BigIntegerField(null=True)),
                ('failures_as', models.TextField(default='')),
                ('error', models.TextField(default='')),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('undone_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'import_run',
                'indexes': [models.Index(fields=['account_id', 'created_at'], name='import_run_by_time')],
            },
        ),
    ]
