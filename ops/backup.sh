#!/bin/sh
# Write a backup of today into a folder, and remove those that are older than 30 days.
#   sh ops/backup.sh /var/lib/marketable/backups
set -eu
folder=${1:?name the folder for the backups}
marketable=$(dirname "$0")/../.venv/bin/marketable
data=${MARKETABLE_DATA_DIR:?name the data folder}

umask 077
mkdir -p "$folder"
"$marketable" backup "$folder/marketable-$(date -u +%Y-%m-%dT%H%M%SZ).dump"
# With the key a restored database knows erased addresses again; the list says whom to erase again.
for name in secret_key erased_contacts; do
    if [ -f "$data/$name" ]; then
        cp "$data/$name" "$folder/$name"
    fi
done
find "$folder" -name 'marketable-*.dump' -mtime +30 -delete
