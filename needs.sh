# shellcheck shell=sh
# Installs what a command of this repository needs and is missing. Sourced by demo.sh and test.sh:
#   need COMMAND-OR-FILE PACKAGE ...     adds the package when the command or file is not there
#   install_needs                        installs what was added, after saying so
# Needs a Debian or Ubuntu machine for installing; elsewhere it says what to install by hand.

missing=""

need() {
    if command -v "$1" >/dev/null 2>&1 || [ -e "$1" ]; then
        return
    fi
    missing="$missing $2"
}

install_needs() {
    if ! command -v cargo >/dev/null 2>&1; then
        echo "cargo is not on the PATH: install Rust 1.90 or newer first, https://rustup.rs" >&2
        exit 1
    fi
    [ -z "$missing" ] && return
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "missing:$missing. This is not Debian or Ubuntu: install them by hand, then run this again." >&2
        exit 1
    fi
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "missing:$missing. Run as root, or: su -c 'apt-get install$missing'" >&2
            exit 1
        fi
        as_root=sudo
    fi
    echo "installing with apt-get:$missing"
    # shellcheck disable=SC2086 # each word is a package
    if ! $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1; then
        $as_root apt-get update -qq
        # shellcheck disable=SC2086
        if ! $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
            echo "could not install$missing: see the message above" >&2
            exit 1
        fi
    fi
}
