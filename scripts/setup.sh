#!/usr/bin/env bash
# Make an environment with multilane built into it: `scripts/setup.sh FOLDER [PYTHON [uv sync options...]]`.
#
# Reads the lock files and the registries; needs cargo and CPython 3.11 or later, nothing else. Writes .venvs/uv (the
# installer), FOLDER and cargo's target folder. Does nothing, in a blink, when all of it is up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
# Reads all of the list: a reader that leaves early breaks the pipe of the one that writes.
python=${2:-$(python3 scripts/interpreters.py | sed -n '1s/^[^ ]* //p')}
options=("${@:3}")
fail() { echo "set-up: $1" >&2; exit 1; }

cargo --version >/dev/null || fail "cargo does not run; install Rust 1.89 or later"
uv=.venvs/uv/bin/uv
if [[ ! -x $uv || scripts/uv.txt -nt $uv ]]; then
    rm -rf .venvs/uv
    "$python" -m venv .venvs/uv || fail "$python has no venv module; install it (python3-venv on Debian)"
    .venvs/uv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --require-hashes --requirement scripts/uv.txt
    touch $uv
fi

export UV_PROJECT_ENVIRONMENT=$folder
unset VIRTUAL_ENV PYO3_PYTHON
sync=("$uv" sync --locked --python "$python" "${options[@]}")
# The first build takes a minute or more: let the installer say what it does.
[[ -x $folder/bin/python && ! -t 2 ]] && sync+=(--quiet)
"${sync[@]}"
# The installer remembers what it built, and does not see that somebody removed it.
"$folder/bin/python" -c 'import multilane._multilane' 2>/dev/null ||
    "${sync[@]}" --reinstall-package multilane
