#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# install_packages_test.sh SCRIPTS: scripts/install-packages with apt and dpkg played by scripts, so
# that what it would do to a machine can be asserted. On that machine `gcc` is installed, clang-22
# is in no package source, everything else can be had.

set -eu
scripts=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$*"
    exit 1
}

mkdir "$work/bin"
play() {
    { echo '#!/bin/sh'; cat; } >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}
play dpkg-query <<'PLAY'
for last; do :; done
[ "$last" = gcc ] || [ -e "$WORK/all-installed" ] && printf installed
exit 0
PLAY
play apt-cache <<'PLAY'
case $2 in *-22*) echo '  Candidate: (none)' ;; *) echo '  Candidate: 1' ;; esac
PLAY
play apt-get <<'PLAY'
echo "$DEBIAN_FRONTEND: $*" >>"$WORK/calls"
PLAY
play id <<'PLAY'
cat "$WORK/uid"
PLAY
play sudo <<'PLAY'
echo "sudo $*" >>"$WORK/calls"
"$@"
PLAY
export WORK="$work" PATH="$work/bin:$PATH"

echo 0 >"$work/uid"
"$scripts/install-packages" build </dev/null >"$work/out" 2>&1 && fail "installed without being asked"
[ ! -e "$work/calls" ] || fail "touched the machine without being asked: $(cat "$work/calls")"
grep -q '^    clang-19$' "$work/out" || fail "does not list clang-19: $(cat "$work/out")"
grep -q '^    gcc$' "$work/out" && fail "lists gcc, which is installed"
grep -q -- --yes "$work/out" || fail "does not say what to do: $(cat "$work/out")"

"$scripts/install-packages" --yes build llvm </dev/null >"$work/out" 2>&1 || fail "$(cat "$work/out")"
grep -q '^noninteractive: install .* clang-19 .*clang-14' "$work/calls" || fail "$(cat "$work/calls")"
grep -q 'clang-22' "$work/calls" && fail "wants a package that no source has"
grep -q ' gcc ' "$work/calls" && fail "installs what is installed"
grep -q sudo "$work/calls" && fail "uses sudo as root"

rm "$work/calls"
echo 1000 >"$work/uid"
"$scripts/install-packages" --yes build </dev/null >"$work/out" 2>&1 || fail "$(cat "$work/out")"
grep -q '^sudo env DEBIAN_FRONTEND=noninteractive apt-get install' "$work/calls" || fail "$(cat "$work/calls")"

rm "$work/calls"
touch "$work/all-installed"
"$scripts/install-packages" build llvm </dev/null >"$work/out" 2>&1 || fail "$(cat "$work/out")"
[ ! -e "$work/calls" ] || fail "nothing was missing, yet: $(cat "$work/calls")"

"$scripts/install-packages" --yes nonsense >"$work/out" 2>&1 && fail "takes a purpose that does not exist"
grep -q "no purpose 'nonsense'" "$work/out" || fail "unclear: $(cat "$work/out")"
