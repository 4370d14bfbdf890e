#!/bin/sh
# Installs the system packages that the tests want, when root and apt are there (said first); else says how.
# Without them the tests that need them report NOT_RUN.
packages="chromium fonts-dejavu-core"
for browser in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$browser" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "[system] no Chromium here: its tests will report NOT_RUN; to have them run: sudo apt-get install -y $packages" >&2
    exit 0
fi
echo "[system] installing $packages with apt-get for the tests of the HTML report" >&2
log=$(mktemp)
if DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 update >"$log" 2>&1 &&
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $packages >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
fi
tail -5 "$log" >&2
rm -f "$log"
echo "[system] apt-get failed: the tests of the HTML report will report NOT_RUN" >&2
