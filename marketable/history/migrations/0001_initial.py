"""The first tables of this area."""

import django.contrib.postgres.indexes
import marketable.history.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE change_id_seq", "DROP SEQUENCE change_id_seq"),
        migrations.CreateModel(
            name='Change',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('id', models.BigIntegerField(db_default=marketable.history.models.NextId('change_id_seq'))),
                ('xid', marketable.history.models.Xid(db_default=models.Func(function='pg_current_xact_id', output_field=marketable.history.models.Xid()))),
                ('at', models.DateTimeField()),
                ('kind', models.TextField()),
                ('actor_type', models.TextField()),
                ('actor_id', models.TextField()),
                ('actor_label', models.TextField()),
                ('source_type', models.TextField()),
                ('source_id', models.TextField()),
                ('source_label', models.TextField()),
                ('bulk_action_id', models.BigIntegerField(null=True)),
                ('body', models.JSONField(default=dict)),
                ('contact_count', models.IntegerField(default=0)),
                ('marketing_delta', models.IntegerField(default=0)),
                ('effective_on', models.DateField(null=True)),
                ('reverts_id', models.BigIntegerField(null=True)),
                ('reason', models.TextField(default='')),
            ],
            options={
                'db_table': 'change',
                'indexes': [models.Index(fields=['xid', 'id'], name='change_in_order'), models.Index(condition=models.Q(('bulk_action_id__isnull', False)), fields=['account_id', 'bulk_action_id'], name='change_of_bulk_action'), models.Index(fields=['account_id', 'at'], name='change_by_time')],
            },
        ),
        migrations.CreateModel(
            name='ContactChange',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'contact_id', 'change_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('contact_id', models.BigIntegerField()),
                ('change_id', models.BigIntegerField()),
                ('before', models.JSONField()),
                ('after', models.JSONField()),
            ],
            options={
                'db_table': 'contact_change',
                'indexes': [django.contrib.postgres.indexes.BrinIndex(fields=['change_id'], name='contact_change_by_change')],
            },
        ),
    ]
