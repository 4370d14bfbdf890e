#!/usr/bin/env bash
# Builds the demo's APKs from Maven Central and Debian packages, without Google's SDK, and proves each:
#   ABI="arm64-v8a x86_64"  for these          GPU=1   with the older interpreter and its GPU delegate
#   BUNDLE=dist/fashion-cnn with that inside   OUT=dist/android
# What is made lies in build/android; an APK appears in OUT when it is finished, signed and proved, and not before.
set -euo pipefail
cd "$(dirname "$0")/.."

ABI=${ABI:-arm64-v8a x86_64}
GPU=${GPU:-}
BUNDLE=${BUNDLE:-}
OUT=${OUT:-dist/android}
PYTHON=${PYTHON:-.venv/bin/python}
KEYSTORE=${KEYSTORE:-${ANDROID_USER_HOME:-$HOME/.android}/debug.keystore} # Android Studio's place, so that its builds replace ours
DEMO=android_demo
WORK=build/android
PARTS=$WORK/parts${GPU:+-gpu}
BRIEF="-XX:+UseSerialGC -XX:TieredStopAtLevel=1" # of programs that run for seconds: half the time of the default
export MAVEN_OPTS="${MAVEN_OPTS-$BRIEF}"

die() {
    echo "[apk] $*" >&2
    exit 1
}

check_tools() {
    local missing="" tool java
    for tool in java javac keytool mvn aapt aapt2 zipalign apksigner dexdump flock; do
        command -v "$tool" >/dev/null || missing="$missing $tool"
    done
    [ -z "$missing" ] || die "missing:$missing; to have them: make setup-android"
    java=$(javac -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
    [ "${java:-0}" -ge 17 ] || die "JDK 17 or newer is needed, javac is of ${java:-an unknown version}: set JAVA_HOME, or make setup-android"
    for abi in $ABI; do
        case $abi in
        arm64-v8a | x86_64) ;;
        *) die "ABI=$abi cannot be built: there are arm64-v8a and x86_64" ;;
        esac
    done
    [ -x "$PYTHON" ] || command -v "$PYTHON" >/dev/null || die "there is no $PYTHON: make setup"
    [ -z "$BUNDLE" ] || "$PYTHON" -m android_demo.packaging.check_bundle "$BUNDLE" || die "BUNDLE=$BUNDLE cannot be packed"
}

# Compiles core and app, and lists what belongs into the APK.
run_maven() {
    local log=$WORK/maven.log
    if ! mvn -B -f $DEMO/pom.xml -pl apk -am ${GPU:+-Pgpu} -Dmaven.test.skip=true package >"$log" 2>&1; then
        sed -n -E '/^\[ERROR\] *$|\[Help|-[eX] switch|For more information/d; s/^\[ERROR\] //p' "$log" | head -15 >&2
        if grep -qE 'Could not transfer|Unknown host|offline mode|Connection refused|No route' "$log"; then
            die "Maven Central was not reached: the first build downloads about 300 MB, later ones work without a network"
        fi
        grep -q '^\[ERROR\]' "$log" || tail -3 "$log" >&2 # it did not start
        die "Maven failed; all that it said is in $log"
    fi
}

dx() { # dx TARGET JAR: compiles class files for Android
    java -Xmx1g $BRIEF -cp "$PARTS/dx.jar" com.android.dx.command.Main --dex --min-sdk-version=26 --output="$1" "$2"
}

# Other people's classes are compiled once; they change with a version.
compile_libraries() {
    local key cached
    key=$(cat "$PARTS/libraries.jar" "$(readlink "$PARTS/dx.jar")" | sha256sum | cut -c1-16)
    cached=$WORK/libraries-$key.dex
    if [ ! -f "$cached" ]; then
        dx "$WORK/new-$$.dex" "$PARTS/libraries.jar"
        mv "$WORK/new-$$.dex" "$cached"
    fi
    cp "$cached" "$PARTS/classes2.dex"
}

# The manifest and the resources, as the app's own build has them, with version and SDK.
link_resources() {
    local major minor patch
    IFS=. read -r major minor patch <<<"${VERSION%%[!0-9.]*}"
    rm -rf "$PARTS/res.zip"
    aapt2 compile --dir $DEMO/app/src/main/res -o "$PARTS/res.zip"
    aapt2 link "$PARTS/res.zip" -I "$PARTS/android.jar" --manifest $DEMO/app/src/main/AndroidManifest.xml \
        --min-sdk-version 26 --target-sdk-version 35 --debug-mode \
        --version-code $((major * 1000000 + minor * 1000 + ${patch:-0})) --version-name "$VERSION" \
        -o "$PARTS/resources.apk" 2>"$WORK/aapt2.log" || { cat "$WORK/aapt2.log" >&2; die "aapt2 failed"; }
    [ -z "$(resources_differ)" ] || die "R.java was made from other resources than the APK's: remove $DEMO/app/target and build again"
}

# Resource numbers are compiled into the classes: both tables must be the same.
resources_differ() {
    $PYTHON - "$PARTS/resources.apk" $DEMO/app/target/resources.apk <<'PY'
import sys, zipfile
ours, compiled = (zipfile.ZipFile(path).read("resources.arsc") for path in sys.argv[1:])
print("differs" if ours != compiled else "", end="")
PY
}

make_key() {
    [ -f "$KEYSTORE" ] && return
    mkdir -p "$(dirname "$KEYSTORE")"
    keytool -genkeypair -keystore "$KEYSTORE.$$" -storepass android -keypass android -alias androiddebugkey -keyalg RSA \
        -keysize 2048 -validity 10950 -dname "CN=Android Debug,O=Android,C=US" 2>/dev/null
    mv "$KEYSTORE.$$" "$KEYSTORE"
}

make_apk() { # make_apk ABI: assembles, signs, proves, and only then shows the APK
    local name=edge-export-demo${GPU:+-gpu}-$VERSION-$1.apk
    local unsigned=$WORK/unsigned-$$-$1.apk signed=$WORK/$$-$1/$name
    mkdir -p "$(dirname "$signed")"
    $PYTHON -m android_demo.packaging.assemble "$PARTS" "$1" "$unsigned" ${BUNDLE:+--bundle "$BUNDLE"}
    apksigner sign --ks "$KEYSTORE" --ks-pass pass:android --key-pass pass:android --min-sdk-version 26 \
        --v1-signing-enabled false --v4-signing-enabled false --out "$signed" "$unsigned"
    $PYTHON -m android_demo.packaging.prove "$signed" --oldest "$OLDEST" --newest "$(readlink "$PARTS/android.jar")"
    mv "$signed" "$OUT/$name"
}

check_tools
mkdir -p "$WORK" "$OUT"
exec 9>"$WORK/lock"
flock 9 # two builds would write into one folder
rm -rf "$WORK"/unsigned-* "$WORK"/new-* "$WORK"/[0-9]*-* # of a build that was killed
trap 'rm -rf "$WORK"/new-$$.dex "$WORK"/unsigned-$$-* "$WORK"/$$-*' EXIT
VERSION=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' pipeline/__init__.py)

run_maven
$PYTHON -m android_demo.packaging.parts $DEMO/apk/target/classpath.txt "$PARTS"
OLDEST=$(echo "$(dirname "$(readlink "$PARTS/android.jar")")"/../8.0.0*/android-all-8.0.0*.jar) # API 26
make_key
compile_libraries &
libraries=$!
dx "$PARTS/classes.dex" "$PARTS/app.jar"
link_resources
wait $libraries
builds=()
for abi in $ABI; do
    make_apk "$abi" >"$WORK/$abi.log" 2>&1 &
    builds+=("$!:$abi")
done
failed=""
for build in "${builds[@]}"; do
    wait "${build%%:*}" || failed="$failed ${build#*:}"
    cat "$WORK/${build#*:}.log"
done
[ -z "$failed" ] || die "no APK for$failed: see above"
[ -n "$BUNDLE" ] || echo "[apk] no bundle inside: the app says how to bring one; or: make export TARGET=tflite && make apk BUNDLE=dist/fashion-cnn"
for abi in $ABI; do echo "$OUT/edge-export-demo${GPU:+-gpu}-$VERSION-$abi.apk"; done
