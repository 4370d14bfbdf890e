#!/bin/sh
# apt.sh NAME TESTS PACKAGE...: installs Debian packages where root and apt are there, and says so first; else says how.
# Ends with 1 where they cannot be had; TESTS then report NOT_RUN.
name=$1 tests=$2
shift 2
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "[$name] not here: $*; $tests will report NOT_RUN; to have them run: sudo apt-get install -y $*" >&2
    exit 1
fi
echo "[$name] installing $* with apt-get for $tests" >&2
log=$(mktemp)
if DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 update >"$log" 2>&1 &&
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@" >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
fi
tail -5 "$log" >&2
rm -f "$log"
echo "[$name] apt-get failed: $tests will report NOT_RUN" >&2
exit 1
