"""The first tables of this area."""

import marketable.contacts.models
import marketable.history.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE contact_id_seq", "DROP SEQUENCE contact_id_seq"),
        migrations.CreateModel(
            name='BlockedAddress',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'address_hash', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('address_hash', models.CharField(max_length=64)),
                ('blocked_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'blocked_address',
            },
        ),
        migrations.CreateModel(
            name='ContactSearch',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'contact_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('contact_id', models.BigIntegerField()),
                ('words', marketable.contacts.models.TsVector()),
            ],
            options={
                'db_table': 'contact_search',
            },
        ),
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('id', models.BigIntegerField(db_default=marketable.history.models.NextId('contact_id_seq'))),
                ('email', models.TextField(null=True)),
                ('name_key', models.TextField(db_collation='C', default='')),
                ('properties', models.JSONField(default=dict)),
                ('version', models.IntegerField(default=1)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('archived_at', models.DateTimeField(null=True)),
                ('erased_at', models.DateTimeField(null=True)),
                ('merged_into', models.BigIntegerField(null=True)),
            ],
            options={
                'db_table': 'contact',
                'indexes': [models.Index(fields=['account_id', 'name_key', 'id'], name='contact_by_name'), models.Index(condition=models.Q(('archived_at__isnull', False)), fields=['account_id', 'archived_at'], name='contact_archived')],
            },
        ),
        migrations.CreateModel(
            name='ContactAddress',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'address', 'contact_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('address', models.TextField(db_collation='C')),
                ('contact_id', models.BigIntegerField()),
                ('is_primary', models.BooleanField(default=True)),
                ('is_live', models.BooleanField(default=True)),
            ],
            options={
                'db_table': 'contact_address',
                'indexes': [models.Index(fields=['account_id', 'contact_id'], name='contact_address_of_contact')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_live', True)), fields=('account_id', 'address'), name='contact_address_one_live_owner')],
            },
        ),
    ]
