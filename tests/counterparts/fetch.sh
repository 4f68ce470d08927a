# Sourced by `install`: gets Debian packages of any suite without touching the system's own apt
# sources, lists or packages. Wants $work, a scratch folder.

fail() {
    [ -s "${work:-/nonexistent}/log" ] && tail -n 20 "$work/log" >&2
    echo "${0##*/}: $*" >&2
    exit 1
}

need() { command -v "$1" >/dev/null || fail "expected the command '$1' ($2); it is not on the PATH"; }

# Keeps a command's output for `fail` to show.
quietly() { "$@" >>"$work/log" 2>&1; }

starts() { quietly timeout 20 "$@"; }

# first_of FUNCTION NAME SUITE...: the first suite whose packages install and start.
first_of() {
    local get=$1 name=$2 suite
    shift 2
    need apt-get "a Debian or Ubuntu system"
    need dpkg-deb "a Debian or Ubuntu system"
    for suite in "$@"; do
        "$get" "$suite" && return
        echo "${0##*/}: $name of Debian $suite could not be had or does not start here" >&2
    done
    fail "could not install $name from any of: $* (expected: a Debian mirror that apt-get can reach)"
}

system_suite() { (. /etc/os-release && echo "${VERSION_CODENAME:-stable}"); }

# The Debian mirror that this system uses, from either form of apt's sources.
debian_mirror() {
    { cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
        sed 's/#.*//' | grep -m 1 -oE 'https?://[^ ]+/debian/?( |$)' | tr -d ' '
}

# use_suite SUITE [COMPONENT]: points the following fetch_debs at one suite, with lists of its own.
use_suite() {
    local dir=$work/apt-$1-${2:-main} mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg
    mirror=$(debian_mirror) && [ -n "$mirror" ] ||
        fail "expected a Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d"
    [ -r "$keys" ] || fail "expected Debian's archive keys at $keys (package debian-archive-keyring)"
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    echo "deb [signed-by=$keys] $mirror $1 ${2:-main}" >"$dir/sources.list"
    apt=(-o "Dir::Etc::sourcelist=$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=
        -o Acquire::Retries=3 -o Acquire::Languages=none)
    # Without this option a failed update is a warning and exit code 0.
    quietly apt-get "${apt[@]}" -o APT::Update::Error-Mode=any -qq update
}

# fetch_debs FOLDER PACKAGE...: downloads the packages and unpacks them into the folder.
fetch_debs() {
    local out=$1 debs deb
    shift
    debs=$(mktemp -d "$work/debs.XXXXXX")
    (cd "$debs" && quietly apt-get "${apt[@]}" -qq download "$@") || return 1
    mkdir -p "$out"
    for deb in "$debs"/*.deb; do
        quietly dpkg-deb --extract "$deb" "$out" || return 1
    done
    rm -rf "$debs"
}

# The libraries that a package needs, directly or not; a suite may have renamed any of them.
libraries_of() {
    apt-cache "${apt[@]}" depends --recurse --important "$1" | grep -E '^(lib|zlib)' | sort -u
}
