"""What leaves the project: a folder of artifacts with their evidence. `docs/bundle.md` describes it."""

from pipeline.bundle.names import ArtifactName, artifact_file_name, parse_artifact_file_name, slug

__all__ = ["ArtifactName", "artifact_file_name", "parse_artifact_file_name", "slug"]
