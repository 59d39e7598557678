#!/usr/bin/env bash
# Run the tests on every other supported Python of this machine: `scripts/other_pythons.sh [pytest arguments...]`.
#
# Each gets the wheel that a user would install, in .venvs/VERSION, built in a target folder of its own so that the
# versions do not undo each other's builds; CI, which builds each once, builds all in one and saves the crates that do not
# know Python. Fails when one of them fails, after all have run.
set -uo pipefail
cd "$(dirname "$0")/.."

first=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
target=${CARGO_TARGET_DIR:-target}
failed=()
while read -r version python; do
    [[ $version == "$first" ]] && continue
    echo "== Python $version ($python)"
    CARGO_TARGET_DIR=$([[ ${CI:-} ]] && echo "$target" || echo "$target/python$version") \
        bash scripts/setup.sh ".venvs/$version" "$python" --no-editable --no-group lint </dev/null &&
        ".venvs/$version/bin/python" -m pytest -o cache_dir=".venvs/$version/pytest" -m "not browser and not slow" \
            --hypothesis-profile=brief "$@" </dev/null ||
        failed+=("$version")
done < <(.venv/bin/python scripts/interpreters.py)
if ((${#failed[@]})); then
    echo "failed on Python ${failed[*]}" >&2
    exit 1
fi
