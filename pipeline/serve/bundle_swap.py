"""Another bundle for the same state, while requests come: checked beside them, put in place between two of them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from features.windows.spec import FeatureSpec
from pipeline.serve.deployment import Deployment, deployed
from pipeline.serve.refusal import RefusalError
from pipeline.serve.service import Service
from pipeline.storage.errors import INPUT_ERRORS


class BundleSwap:
    """Swaps one bundle after the other; one that is refused leaves the champion where it is."""

    def __init__(self, service: Service, *, key: bytes | None, say: Callable[[str], None]) -> None:
        self._service = service
        self._key = key
        self._say = say
        self._turn = asyncio.Lock()

    async def swap(self, folder: Path, version: str) -> Deployment:
        """Let the bundle of a folder answer from now on.

        Raises:
            RefusalError: 422, it is refused, and why; 503, the log cannot take note of it.
        """
        metrics, engine = self._service.metrics, self._service.engine
        async with self._turn:
            try:
                made = await asyncio.to_thread(self._made, folder, version, engine.spec, engine.features_sha256)
                offset = self._service.swap(made)
            except INPUT_ERRORS as error:
                metrics.add("swaps", "refused")
                self._say(
                    f"the bundle {folder} was refused, and {self._service.deployment.manifest[:12]} goes on: {error}"
                )
                raise RefusalError(422, str(error), fields=["bundle"]) from None
        metrics.add("swaps", "done")
        self._say(f"bundle {made.manifest[:12]} answers from event {offset:,} on")
        return made

    def _made(self, folder: Path, version: str, spec: FeatureSpec, features_sha256: str) -> Deployment:
        return deployed(folder, spec=spec, features_sha256=features_sha256, key=self._key, version=version)
