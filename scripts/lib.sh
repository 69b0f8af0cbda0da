# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Shared by the scripts of this folder, which source it after setting -eu. POSIX sh.

source_root=$(cd "$(dirname "$0")/.." && pwd)
build_root=${MEMSCOPE_BUILD:-$source_root/build}

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

say() {
    echo "==> $*" >&2
}

# as_root COMMAND...: runs it as root, with sudo where we are not.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    else
        die "not root, and sudo is not installed; as root run: $*"
    fi
}

# packages_for PURPOSE...: prints `package` or `package ?`, one a line.
packages_for() {
    for purpose in "$@"; do
        sed -n "s/^$purpose //p" "$source_root/scripts/packages"
    done
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

is_available() {
    apt-cache policy "$1" 2>/dev/null | grep '^  Candidate: [0-9]' >/dev/null
}

# missing_packages PURPOSE...: prints what is not installed, in the form of packages_for.
missing_packages() {
    packages_for "$@" | while read -r package optional; do
        is_installed "$package" || echo "$package $optional"
    done
}

# install_packages YES PURPOSE...: installs what is missing. Asks first unless YES is 1.
install_packages() {
    yes=$1
    shift
    for purpose in "$@"; do
        grep -q "^$purpose " "$source_root/scripts/packages" ||
            die "no purpose '$purpose' in scripts/packages"
    done
    missing=$(missing_packages "$@")
    wanted=$(echo "$missing" | while read -r package optional; do
        # An optional package that the lists do not know is no reason to bother anyone.
        if [ -n "$package" ] && { [ -z "$optional" ] || is_available "$package"; }; then echo "$package"; fi
    done)
    [ -n "$wanted" ] || return 0
    echo "These Debian packages are missing:" >&2
    echo "$wanted" | sed 's/^/    /' >&2
    if [ "$yes" != 1 ]; then
        [ -t 0 ] || die "no terminal to ask on; run again with --yes to install them"
        printf 'Install them with apt-get (as root)? [y/N] ' >&2
        read -r answer
        case $answer in [yY]*) ;; *) die "nothing installed" ;; esac
    fi
    as_root apt-get update -q || die "apt-get update failed"
    # Only now do the lists tell which optional packages exist.
    wanted=$(echo "$missing" | while read -r package optional; do
        if [ -z "$optional" ] || is_available "$package"; then echo "$package"; fi
    done)
    # shellcheck disable=SC2086 # one word per package
    as_root apt-get install -q -y --no-install-recommends $wanted ||
        die "apt-get could not install the packages above"
}

# build_memscope FOLDER [CMAKE ARGUMENT...]: configures and builds.
build_memscope() {
    folder=$1
    shift
    cmake -S "$source_root" -B "$folder" -G Ninja "$@" || die "configuring in $folder failed"
    cmake --build "$folder" || die "building in $folder failed"
}
