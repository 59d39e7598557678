#!/usr/bin/env bash
# Run the tests on every supported Python of this machine: `scripts/test_pythons.sh all|others [pytest arguments...]`.
#
# The first, in .venv, runs everything. Each other gets the wheel that a user would install, in .venvs/VERSION, and runs
# what is neither slow nor in need of a browser, with fewer random cases. While one is tested the next is built; two are
# tested at a time, and each says what it has to say when it is done. Fails when one of them fails, after all have run.
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
        local still=()
        for version in "${running[@]}"; do
            if [[ -e $logs/$version.code ]]; then tell "$version"; else still+=("$version"); fi
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

[[ $which == all ]] && start "$first" .venv/bin/python "$@"
while read -r version python; do
    [[ $version == "$first" ]] && continue
    # In a target folder of its own, so that the versions do not undo each other's builds. CI builds each once, and all in
    # one folder: that saves the crates that do not know Python.
    if CARGO_TARGET_DIR=$([[ ${CI:-} ]] && echo "$target" || echo "$target/python$version") \
        bash scripts/setup.sh ".venvs/$version" "$python" --no-editable --no-group lint </dev/null; then
        wait_for_fewer_than 2
        start "$version" ".venvs/$version/bin/python" -o cache_dir=".venvs/$version/pytest" \
            -m "not browser and not slow" --hypothesis-profile=brief "$@"
    else
        failed+=("$version")
    fi
done < <(.venv/bin/python scripts/interpreters.py)
wait_for_fewer_than 1
if ((${#failed[@]})); then
    echo "failed on Python ${failed[*]}" >&2
    exit 1
fi
