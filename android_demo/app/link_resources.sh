#!/bin/sh
# Compiles and links the app's resources: link_resources.sh ANDROID_JAR TARGET_FOLDER [ASSETS_FOLDER]
# Writes TARGET_FOLDER/resources.apk (binary manifest, resource table, assets) and generated-sources/r/.../R.java.
set -eu
cd "$(dirname "$0")"
command -v aapt2 > /dev/null || { echo "aapt2 is missing: make setup-android installs it" >&2; exit 1; }
mkdir -p "$2/generated-sources/r"
assets=${3:-}
[ -d "$assets" ] || assets="" # those of the tests, which a checkout may lack
aapt2 compile --dir src/main/res -o "$2/resources.zip"
aapt2 link "$2/resources.zip" -I "$1" --manifest src/main/AndroidManifest.xml --java "$2/generated-sources/r" \
    --min-sdk-version 26 --target-sdk-version 35 -0 tflite ${assets:+-A "$assets"} -o "$2/resources.apk"
