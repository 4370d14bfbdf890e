#!/bin/sh
# Finds a Python that the locked versions were built for, and hands over to bootstrap.py with it.
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    if "$candidate" -c "$supported" 2>/dev/null; then
        exec "$candidate" "$(dirname "$0")/bootstrap.py" "$@"
    fi
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) && found="$found $candidate is $version;"
done
echo "edge-export needs Python 3.11, 3.12 or 3.13; found:${found:- none;} install one, or name it: make ... PYTHON=/path/to/python3.11" >&2
exit 7
