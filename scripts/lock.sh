#!/bin/sh
# Writes requirements/*.lock anew: every set of pyproject.toml's extras, pinned with hashes, without addresses.
# One resolution (dev.lock) rules: the smaller sets take their versions from it.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-uv}
unset UV_TORCH_BACKEND # the lock is of the public index; scripts/bootstrap.py takes torch from elsewhere when asked

lock() {
    name=$1
    shift
    echo "requirements/$name.lock"
    "$uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
        --python-version 3.11 --override requirements/override.txt "$@" --output-file "requirements/$name.lock"
}

lock dev pyproject.toml --group build --extra dev "${@}"
lock core pyproject.toml --group build --constraint requirements/dev.lock
for framework in torch tensorflow; do
    lock "$framework" pyproject.toml --group build --constraint requirements/dev.lock \
        --extra "$framework" --extra litert --extra onnx --extra coreml --extra data
done
lock all pyproject.toml --group build --constraint requirements/dev.lock --extra all
lock uv requirements/uv.in "${@}"

# Sealed toolchains: each for the one Python that its packages were built for.
for input in converters/*/toolchain.in; do
    echo "${input%.in}.lock"
    "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate \
        --python-version 3.11 "${@}" "$input" --output-file "${input%.in}.lock"
done
