"""The first tables of this area."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='PropertyGroup',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'name', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('name', models.CharField(max_length=100)),
                ('label', models.CharField(max_length=200)),
                ('display_order', models.IntegerField(default=0)),
            ],
            options={
                'db_table': 'property_group',
            },
        ),
        migrations.CreateModel(
            name='PropertyRow',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'name', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('name', models.CharField(max_length=100)),
                ('label', models.CharField(max_length=200)),
                ('type', models.CharField(max_length=16)),
                ('field_type', models.CharField(max_length=32)),
                ('group_name', models.CharField(max_length=100)),
                ('description', models.TextField(blank=True)),
                ('options', models.JSONField(default=list)),
                ('is_unique', models.BooleanField(default=False)),
                ('display_order', models.IntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('archived_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'property',
            },
        ),
        migrations.CreateModel(
            name='UniqueValue',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'name', 'value', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('name', models.CharField(max_length=100)),
                ('value', models.TextField()),
                ('contact_id', models.BigIntegerField()),
            ],
            options={
                'db_table': 'unique_value',
                'indexes': [models.Index(fields=['account_id', 'contact_id'], name='unique_value_of_contact')],
            },
        ),
    ]
