#!/bin/sh
# Installs what `make apk` and the Android tests want from Debian, or says how (apt.sh); fails where that cannot be.
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

packages=$(lacking | sort -u)
[ -n "$packages" ] || exit 0
exec sh "${0%/*}/apt.sh" android "tests of the Android demo" $packages
