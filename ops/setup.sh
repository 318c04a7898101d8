#!/bin/sh
# Make the virtual environment .venv with everything of requirements.lock, and the command
# .venv/bin/marketable. Needs Python 3.11 or newer; says what else is missing, or installs it as root.
set -eu
cd "$(dirname "$0")/.."
here=$(pwd -P)
PYTHON=${PYTHON:-python3}

"$PYTHON" - <<'CHECK' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed, and {sys.executable} is {sys.version.split()[0]}. "
             "Name another one: make setup PYTHON=python3.11")
CHECK

make_environment() {
    rm -rf .venv
    "$PYTHON" -m venv .venv >/dev/null 2>&1
}

# A folder that was moved, or was left half made, is made anew.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1 ||
    [ "$(.venv/bin/python -c 'import sys; print(sys.prefix)')" != "$here/.venv" ]; then
    echo "Making a virtual environment in .venv."
    if ! make_environment; then
        package=$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            echo "Installing Debian's $package, which makes virtual environments."
            apt-get update -qq
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
            make_environment || { "$PYTHON" -m venv .venv; exit 1; }
        else
            rm -rf .venv
            echo "Python cannot make virtual environments here. As root: apt-get install $package" >&2
            exit 1
        fi
    fi
fi

echo "Installing what requirements.lock names. This takes a minute the first time."
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
    --requirement requirements.lock

# The package itself is used from the checkout: no build, and edits count at once.
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$here" >"$site/marketable-checkout.pth"
cat >.venv/bin/marketable <<COMMAND
#!/bin/sh
exec "$here/.venv/bin/python" -P -m marketable "\$@"
COMMAND
chmod 755 .venv/bin/marketable
touch .venv/.ready
