"""The first tables of this area."""

import django.contrib.postgres.fields
import marketable.history.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE bulk_action_id_seq", "DROP SEQUENCE bulk_action_id_seq"),
        migrations.CreateModel(
            name='Batch',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'bulk_action_id', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('bulk_action_id', models.BigIntegerField()),
                ('number', models.IntegerField()),
                ('contact_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('outcome', models.CharField(default='', max_length=32)),
                ('change_id', models.BigIntegerField(null=True)),
                ('done_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'bulk_action_batch',
            },
        ),
        migrations.CreateModel(
            name='PlanRow',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('id', models.UUIDField()),
                ('created_at', models.DateTimeField()),
                ('actor_id', models.TextField()),
                ('action', models.CharField(max_length=16)),
                ('selection', models.JSONField()),
                ('answer', models.JSONField()),
                ('bulk_action_id', models.BigIntegerField(null=True)),
            ],
            options={
                'db_table': 'plan_preview',
            },
        ),
        migrations.CreateModel(
            name='BulkAction',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('id', models.BigIntegerField(db_default=marketable.history.models.NextId('bulk_action_id_seq'))),
                ('kind', models.CharField(max_length=16)),
                ('state', models.CharField(max_length=16)),
                ('source', models.JSONField()),
                ('selection', models.JSONField()),
                ('answer', models.JSONField()),
                ('total', models.IntegerField()),
                ('done', models.IntegerField(default=0)),
                ('outcomes', models.JSONField(default=dict)),
                ('change_id', models.BigIntegerField(null=True)),
                ('reverts_id', models.BigIntegerField(null=True)),
                ('error', models.TextField(default='')),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('cancelled_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'bulk_action',
                'indexes': [models.Index(fields=['account_id', 'created_at'], name='bulk_action_by_time')],
            },
        ),
    ]
