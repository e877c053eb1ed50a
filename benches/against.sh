#!/bin/sh
# Times whole processes: `sealcheck verify` against `rcodesign verify` on the same Mach-O files, in turn, and prints the medians of user
# and wall-clock seconds with their ratio. Needs GNU time, and a sealcheck
# built with `cargo build --profile dist`.
#
# usage: benches/against.sh FILE...       environment: RUNS (5), JOBS (2), SEALCHECK (target/dist/sealcheck),
#                                          RCODESIGN (installed into a temporary folder when not set)
set -eu
runs=${RUNS:-5}
jobs=${JOBS:-2}
sealcheck=${SEALCHECK:-target/dist/sealcheck}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${RCODESIGN:-}" ]; then
    cargo install --quiet apple-codesign --root "$folder/rcodesign"
    RCODESIGN=$folder/rcodesign/bin/rcodesign
fi

# one NAME COMMAND...: adds "wall user kilobytes" of one run; what the command finds does not matter here
one() {
    name=$1
    shift
    command time --format '%e %U %M' --output "$folder/one" "$@" >/dev/null 2>&1 || true
    tail -n 1 "$folder/one" >>"$folder/$name"
}

# median NAME COLUMN
median() {
    sort -g -k "$2,$2" "$folder/$1" | awk -v column="$2" '{ all[NR] = $column } END { print all[int((NR + 1) / 2)] }'
}

for file in "$@"; do
    rm -f "$folder/ours" "$folder/theirs"
    cat "$file" >/dev/null
    for _ in $(seq "$runs"); do
        one ours "$sealcheck" verify --jobs "$jobs" "$file"
        one theirs "$RCODESIGN" verify "$file"
    done
    echo "$file ($(wc -c <"$file") bytes, $runs runs, $jobs jobs)"
    for column in "1 wall-s" "2 user-s" "3 peak-KiB"; do
        number=${column%% *}
        ours=$(median ours "$number")
        theirs=$(median theirs "$number")
        awk -v name="${column#* }" -v ours="$ours" -v theirs="$theirs" \
            'BEGIN { printf "  %-9s sealcheck %10s  rcodesign %10s  ratio %.2f\n", name, ours, theirs, (ours > 0 ? theirs / ours : 0) }'
    done
done
