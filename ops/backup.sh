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
# Without the key a restored database would not know erased addresses again.
if [ -f "$data/secret_key" ]; then
    cp "$data/secret_key" "$folder/secret_key"
fi
find "$folder" -name 'marketable-*.dump' -mtime +30 -delete
