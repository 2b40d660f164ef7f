"""Tells the build what the package depends on; the requirements files own the versions."""

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface


class CustomMetadataHook(MetadataHookInterface):
    def update(self, metadata: dict[str, object]) -> None:
        metadata["dependencies"] = self._requirements("requirements.txt")
        postgresql = self._requirements("requirements-postgresql.txt")
        metadata["optional-dependencies"] = {"postgresql": postgresql}

    def _requirements(self, name: str) -> list[str]:
        lines = Path(self.root, name).read_text("utf-8").splitlines()
        return [line for line in map(str.strip, lines) if line and not line.startswith("#")]
