#!/usr/bin/env bash
# Run the tests of Rust and of every supported Python of this machine: `scripts/test.sh all|pythons [pytest arguments...]`.
#
# The first Python, in .venv, runs everything, while the crates are built and tested. Each other gets the wheel that a user
# would install, in .venvs/VERSION, and runs what is neither slow nor in need of a browser, with fewer random cases. While one
# is tested the next is built; two are tested at a time, and each says what it has to say when it is done. Fails when one
# fails, after all have run.
set -uo pipefail
cd "$(dirname "$0")/.."

which=$1
shift
first=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
target=${CARGO_TARGET_DIR:-target}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
failed=()

# Says what a run printed; `logs/VERSION.code` is there once it has ended.
tell() {
    echo "== Python $1"
    cat "$logs/$1"
    [[ $(<"$logs/$1.code") == 0 ]] || failed+=("$1")
}

# Waits until fewer than so many runs go on, and tells of those that ended.
running=()
wait_for_fewer_than() {
    while ((${#running[@]} >= $1)); do
        local still=() one
        for one in "${running[@]}"; do
            if [[ -e $logs/$one.code ]]; then tell "$one"; else still+=("$one"); fi
        done
        running=("${still[@]}")
        ((${#running[@]} < $1)) || sleep 0.5
    done
}

# Tests one Python in the background: its version, its interpreter, and what is special about it.
start() {
    local version=$1 python=$2
    shift 2
    running+=("$version")
    {
        "$python" -m pytest "$@" </dev/null >"$logs/$version" 2>&1
        echo $? >"$logs/$version.part" && mv "$logs/$version.part" "$logs/$version.code"
    } &
}

if [[ $which == all ]]; then
    start "$first" .venv/bin/python "$@"
    make test-rust || failed+=("Rust")
fi
while read -r version python; do
    [[ $version == "$first" ]] && continue
    # In a target folder of its own, so that the versions do not undo each other's builds. CI builds each once, so in one
    # folder, which saves the crates that do not know Python.
    [[ ${CI:-} ]] || export CARGO_TARGET_DIR=$target/python$version
    if bash scripts/setup.sh ".venvs/$version" "$python" --no-editable --no-group lint </dev/null; then
        wait_for_fewer_than 2
        start "$version" ".venvs/$version/bin/python" -o cache_dir=".venvs/$version/pytest" \
            -m "not browser and not slow" --hypothesis-profile=brief "$@"
    else
        failed+=("$version")
    fi
done < <(.venv/bin/python scripts/interpreters.py)
wait_for_fewer_than 1
if ((${#failed[@]})); then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
