"""The first tables of this area."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ContractRow',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'starts_on', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('starts_on', models.DateField()),
                ('plan_code', models.CharField(max_length=32)),
                ('term', models.CharField(max_length=16)),
                ('years', models.SmallIntegerField(default=1)),
                ('ends_on', models.DateField(null=True)),
            ],
            options={
                'db_table': 'contract',
            },
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('code', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('included', models.IntegerField()),
                ('step', models.IntegerField()),
                ('features', models.JSONField(default=list)),
                ('rank', models.SmallIntegerField(default=0)),
            ],
            options={
                'db_table': 'plan',
            },
        ),
        migrations.CreateModel(
            name='Reservation',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'holder', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('holder', models.CharField(max_length=40)),
                ('places_left', models.IntegerField()),
            ],
            options={
                'db_table': 'reservation',
            },
        ),
        migrations.CreateModel(
            name='TierChange',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'change_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('change_id', models.BigIntegerField()),
                ('cause_id', models.BigIntegerField(null=True)),
                ('at', models.DateTimeField()),
                ('from_tier', models.IntegerField()),
                ('to_tier', models.IntegerField()),
                ('usage', models.IntegerField()),
            ],
            options={
                'db_table': 'tier_change',
            },
        ),
        migrations.CreateModel(
            name='UsageDay',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('day', models.DateField()),
                ('marketing_count', models.IntegerField()),
                ('peak', models.IntegerField()),
            ],
            options={
                'db_table': 'usage_day',
            },
        ),
        migrations.CreateModel(
            name='AccountUsage',
            fields=[
                ('account_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('counter', models.IntegerField(default=0)),
                ('reserved', models.IntegerField(default=0)),
            ],
            options={
                'db_table': 'account_usage',
                'constraints': [models.CheckConstraint(condition=models.Q(('counter__gte', 0), ('reserved__gte', 0)), name='usage_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('account_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('tier', models.IntegerField()),
                ('at_limit', models.CharField(default='automatic', max_length=16)),
                ('ceiling', models.IntegerField(null=True)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('base_price_cents', models.IntegerField(null=True)),
                ('step_price_cents', models.IntegerField(null=True)),
            ],
            options={
                'db_table': 'subscription',
                'constraints': [models.CheckConstraint(condition=models.Q(('ceiling__isnull', True), ('ceiling__gte', 0), _connector='OR'), name='subscription_ceiling_not_negative')],
            },
        ),
    ]
