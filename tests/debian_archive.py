"""A Debian archive of small packages in a folder, and a sources file that names it: real apt, no network."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path


class Archive:
    """Packages are added one by one; `write` makes the indices that apt reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index: dict[tuple[str, str], list[str]] = {}

    def add(
        self, name: str, files: dict[str, str], arch: str, version: str = "1.0", depends: str = "", suite: str = "tests"
    ) -> Path:
        """A package whose files, by path, are these texts; those under bin are programs."""
        tree = self.folder / "trees" / f"{name}_{version}_{arch}"
        (tree / "DEBIAN").mkdir(parents=True)
        control = f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: t <t@example.org>\n"
        control += f"Depends: {depends}\n" if depends else ""
        (tree / "DEBIAN" / "control").write_text(f"{control}Description: a package of the tests\n")
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
            (tree / path).chmod(0o755 if "bin/" in path else 0o644)
        package = self.folder / "pool" / f"{tree.name}.deb"
        package.parent.mkdir(exist_ok=True)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, package], check=True, capture_output=True)
        data = package.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        where = f"Filename: pool/{package.name}\nSize: {len(data)}\nSHA256: {digest}\nDescription: a package\n"
        self.index.setdefault((suite, arch), []).append(control + where)
        return package

    def write(self, *suites: str) -> Path:
        """The sources file, with the suites named in it, after the indices of all."""
        for suite, arch in self.index:
            packages = self.folder / "dists" / suite / "main" / f"binary-{arch}" / "Packages"
            packages.parent.mkdir(parents=True, exist_ok=True)
            packages.write_text("\n".join(self.index[suite, arch]))
        for suite in {suite for suite, _ in self.index}:
            dist = self.folder / "dists" / suite
            arches = sorted({arch for name, arch in self.index if name == suite})
            lines = [f"Suite: {suite}", f"Codename: {suite}", f"Architectures: {' '.join(arches)}", "Components: main"]
            lines += ["NotAutomatic: yes", "ButAutomaticUpgrades: yes"] if "backports" in suite else []
            lines += ["Date: Mon, 01 Jan 2024 00:00:00 UTC", "SHA256:"]
            for path in sorted(dist.rglob("Packages")):
                data = path.read_bytes()
                lines.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {path.relative_to(dist)}")
            (dist / "Release").write_text("\n".join(lines) + "\n")
        sources = self.folder / "tests.sources"
        named = " ".join(suites or ("tests",))
        sources.write_text(f"Types: deb\nURIs: file:{self.folder}\nSuites: {named}\nComponents: main\nTrusted: yes\n")
        return sources
