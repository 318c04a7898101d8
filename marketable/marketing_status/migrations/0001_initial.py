"""The first tables of this area."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='MarketingContact',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'contact_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('contact_id', models.BigIntegerField()),
                ('since', models.DateTimeField()),
                ('source_type', models.TextField()),
                ('source_id', models.TextField()),
                ('change_id', models.BigIntegerField()),
                ('leaving_on', models.DateField(null=True)),
            ],
            options={
                'db_table': 'marketing_contact',
                'indexes': [models.Index(condition=models.Q(('leaving_on__isnull', False)), fields=['account_id', 'leaving_on', 'contact_id'], name='marketing_contact_leaving')],
            },
        ),
    ]
