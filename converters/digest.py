"""Hashes of structured things, for canonical graph hashes."""

from __future__ import annotations

import hashlib


def digest(*parts: object) -> bytes:
    """sha256 of the parts and of where each ends: bytes as they are, everything else by its repr."""
    sha = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else repr(part).encode()
        sha.update(len(data).to_bytes(8, "little"))
        sha.update(data)
    return sha.digest()
