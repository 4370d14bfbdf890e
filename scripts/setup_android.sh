#!/bin/sh
# Installs what `make apk` and the Android tests want from Debian, when root and apt are there (said first); else says how.
# Fails where that cannot be; the tests that need it then report NOT_RUN.
# Each tool with the package that brings it; a JDK of another maker, or one named by JAVA_HOME, will do.
tools="javac:openjdk-17-jdk-headless mvn:maven aapt:aapt aapt2:aapt zipalign:zipalign apksigner:apksigner dexdump:dexdump adb:adb"
PATH="${JAVA_HOME:+$JAVA_HOME/bin:}$PATH"

lacking() {
    for pair in $tools; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s\n' "${pair#*:}"
    done
    major=$(javac -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
    [ "${major:-17}" -ge 17 ] || echo openjdk-17-jdk-headless
}

packages=$(lacking | sort -u | tr '\n' ' ')
packages=${packages% }
[ -n "$packages" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "[android] not here: $packages; tests of the Android demo will report NOT_RUN; to have them run: sudo apt-get install -y $packages" >&2
    exit 1
fi
echo "[android] installing $packages with apt-get for the Android demo" >&2
log=$(mktemp)
if DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 update >"$log" 2>&1 &&
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $packages >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
fi
tail -5 "$log" >&2
rm -f "$log"
echo "[android] apt-get failed: tests of the Android demo will report NOT_RUN" >&2
exit 1
