#!/bin/sh
# See to it that the browser tests find a browser: an installed Chromium or Chrome, else Debian's
# Chromium (as root), else the one that Playwright brings.
set -eu
cd "$(dirname "$0")/.."

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done
if [ -n "${PLAYWRIGHT_BROWSERS_PATH:-}" ]; then
    brought=$PLAYWRIGHT_BROWSERS_PATH
else
    brought=$HOME/.cache/ms-playwright
fi
if ls -d "$brought"/chromium-* >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's Chromium for the browser tests."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
else
    echo "Installing Playwright's own Chromium for the browser tests. (As root it would be Debian's.)"
    .venv/bin/python -m playwright install chromium || {
        echo "No browser could be installed. As root: apt-get install chromium" >&2
        exit 1
    }
fi
