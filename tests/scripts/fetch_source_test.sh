#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# fetch_source_test.sh SCRIPTS FORMAT: scripts/fetch-source against a package source of our own on
# disk, described in the apt FORMAT (`list` or `deb822`). Its index lists versions 2 and 1 of a
# package, but version 2 is gone: version 1 must come. A disabled source must not be asked.

set -eu
scripts=$1
format=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$*"
    exit 1
}

repository=$work/repository
mkdir -p "$repository" "$work/etc/sources.list.d"
for version in 1 2; do
    tree=$work/trickle-$version
    mkdir -p "$tree/debian/source"
    echo "version $version" >"$tree/content"
    echo '3.0 (native)' >"$tree/debian/source/format"
    printf 'Source: trickle\nMaintainer: Nobody <nobody@invalid>\n\nPackage: trickle\nArchitecture: all\nDescription: test\n' \
        >"$tree/debian/control"
    printf 'trickle (%s) unstable; urgency=low\n\n  * Test.\n\n -- Nobody <nobody@invalid>  Thu, 01 Jan 2026 00:00:00 +0000\n' \
        "$version" >"$tree/debian/changelog"
    (cd "$repository" && dpkg-source -b "$tree" >/dev/null 2>&1) || fail "dpkg-source cannot build the package"
done
(cd "$repository" && dpkg-scansources . 2>/dev/null >Sources)
[ "$(grep -c '^Package: trickle' "$repository/Sources")" = 2 ] || fail "the index does not list both versions"
rm "$repository"/trickle_2.tar.*

case $format in
    list)
        printf '# a comment\ndeb [trusted=yes] file:%s ./\n#deb file:/nonexistent ./\n' "$repository" \
            >"$work/etc/sources.list"
        ;;
    deb822)
        printf 'Types: deb\nEnabled: no\nURIs: file:/nonexistent\nSuites: ./\n\n# a comment\nTypes: deb\nURIs: file:%s\nSuites: ./\nArchitectures: amd64\nTrusted: yes\n' \
            "$repository" >"$work/etc/sources.list.d/local.sources"
        ;;
esac

export MEMSCOPE_APT_ETC="$work/etc"
tree=$("$scripts/fetch-source" trickle "$work/fetched" 2>"$work/log") || fail "$(cat "$work/log")"
[ "$(cat "$tree/content")" = 'version 1' ] || fail "got $(cat "$tree/content"), not version 1"
grep -q 'trickle 2 cannot be had' "$work/log" || fail "did not try version 2 first: $(cat "$work/log")"
grep -q nonexistent "$work/fetched/.apt/parts/"* && fail "asks a source that is commented out or disabled"

# The second time nothing is fetched: the repository may be gone.
rm -rf "$repository"
[ "$("$scripts/fetch-source" trickle "$work/fetched" 2>&1)" = "$tree" ] || fail "fetched again"

if "$scripts/fetch-source" no-such-package "$work/fetched" >"$work/log" 2>&1; then
    fail "found a package that does not exist"
fi
grep -q 'source package no-such-package: not in any' "$work/log" || fail "unclear: $(cat "$work/log")"
