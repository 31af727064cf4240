# Sourced by deploy/run and deploy/test: finds the Swift toolchain and installs missing system libraries.

# pkg-config module and the Debian package that brings it. libh2o needs libuv's header, which its package forgets.
readonly KEYHOLD_MODULES=(libh2o libuv jansson libssl libpcre2-8)
readonly KEYHOLD_PACKAGES=(libh2o-dev libuv1-dev libjansson-dev libssl-dev libpcre2-dev)
# A cross compiler and an emulator, for what cannot be run on the machine itself.
readonly KEYHOLD_ARM64_PACKAGES=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static)
readonly KEYHOLD_SWIFT_MINIMUM=6.3

say() { printf 'keyhold: %s\n' "$*" >&2; }

fail() {
    say "$@"
    exit 1
}

# as_root COMMAND...: runs a command as root, through sudo where needed.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "root is needed to run '$*', and there is no sudo. Run as root: apt-get install ${KEYHOLD_PACKAGES[*]} pkg-config"
    fi
}

# install_packages PACKAGE...: installs Debian packages, or says what to do by hand.
install_packages() {
    command -v apt-get >/dev/null 2>&1 || fail "missing: $*. There is no apt-get here: install the packages that your" \
        "system has for these Debian packages (headers and pkg-config files), then run this script again."
    say "installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# require_command COMMAND: installs the package of the same name where the command is missing.
require_command() {
    command -v "$1" >/dev/null 2>&1 || install_packages "$1"
}

# has_arm64_tools: whether kernels can be compiled for arm64 and run here.
has_arm64_tools() {
    command -v aarch64-linux-gnu-gcc >/dev/null 2>&1 && command -v qemu-aarch64-static >/dev/null 2>&1 &&
        [ -e /usr/aarch64-linux-gnu/include/stdio.h ]
}

require_arm64_tools() {
    has_arm64_tools || install_packages "${KEYHOLD_ARM64_PACKAGES[@]}"
}

# Installs the system libraries that pkg-config cannot find, and what the Swift toolchain itself compiles and links with.
require_libraries() {
    local missing=() index
    if ! command -v pkg-config >/dev/null 2>&1; then
        # Without pkg-config nothing can be looked up: apt leaves what is there alone.
        missing=(pkg-config "${KEYHOLD_PACKAGES[@]}")
    else
        for index in "${!KEYHOLD_MODULES[@]}"; do
            pkg-config --exists "${KEYHOLD_MODULES[$index]}" || missing+=("${KEYHOLD_PACKAGES[$index]}")
        done
    fi
    [ -e /usr/include/stdio.h ] || missing+=(libc6-dev libstdc++-12-dev)
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
    require_command git
    # Models of a hub are fetched with it.
    require_command curl
}

require_swift() {
    command -v swift >/dev/null 2>&1 || fail "no Swift toolchain: install Swift ${KEYHOLD_SWIFT_MINIMUM} or newer from" \
        "https://www.swift.org/install/linux/ and put its usr/bin folder on PATH."
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    [ "$(printf '%s\n' "$KEYHOLD_SWIFT_MINIMUM" "$version" | sort -V | head -n 1)" = "$KEYHOLD_SWIFT_MINIMUM" ] ||
        fail "Swift $version is too old: install Swift ${KEYHOLD_SWIFT_MINIMUM} or newer from https://www.swift.org/install/linux/"
}
