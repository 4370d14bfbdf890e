"""What leaves the project: a folder of artifacts with their evidence. `docs/bundle.md` describes it."""

from pipeline.bundle.archive import is_archive, unpacked
from pipeline.bundle.contents import BundleContents, ImageRules, Manifest, has_image_rules, image_rules
from pipeline.bundle.names import ArtifactName, artifact_file_name, parse_artifact_file_name, slug
from pipeline.bundle.read import Bundle, open_bundle
from pipeline.bundle.write import require_place, write_bundle

__all__ = [
    "ArtifactName",
    "Bundle",
    "BundleContents",
    "ImageRules",
    "Manifest",
    "artifact_file_name",
    "has_image_rules",
    "image_rules",
    "is_archive",
    "open_bundle",
    "parse_artifact_file_name",
    "require_place",
    "slug",
    "unpacked",
    "write_bundle",
]
