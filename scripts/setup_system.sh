#!/bin/sh
# Installs a browser for the tests of the HTML report, or says how (apt.sh); without one they report NOT_RUN.
for browser in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$browser" >/dev/null 2>&1; then exit 0; fi
done
sh "${0%/*}/apt.sh" system "the tests of the HTML report" chromium fonts-dejavu-core || true
