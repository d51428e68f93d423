"""A learned inpainter as it is stored: a graph that fills holes, and what is known of its training."""

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.errors import ManifestError
from medfake.files import in_a_word, sha256_file
from medfake.package.scorer import open_session
from medfake.remedies import Stage, make, rerun

GENERATOR_FILE: Final = "generator.onnx"
FACTS_FILE: Final = "inpainter.json"

Values = NDArray[np.float32]


class InpainterKind(StrEnum):
    """What an inpainter is, and so what it fills."""

    GAN_3D = "gan-3d"
    """Cubes of 32 mm at 1 mm."""
    VAE_2D = "vae-2d"
    """Patches of 64 px of a slice, at its own resolution."""


@dataclass(frozen=True)
class Inpainter:
    """A stored inpainter; its graph is opened when it is first used, once in each process.

    Attributes:
        folder: With generator.onnx and inpainter.json.
        kind: See `InpainterKind`.
        digest: SHA-256 of the graph.
    """

    folder: Path
    kind: InpainterKind
    digest: str

    @classmethod
    def open(cls, folder: Path) -> "Inpainter":
        """Read what the stage `inpainters` wrote; the graph is not opened yet.

        Raises:
            ManifestError: A part is missing or cannot be read.
        """
        if not folder.exists():
            raise ManifestError("the inpainter was not made", where=folder, remedy=make(Stage.INPAINTERS))
        try:
            facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
            return cls(folder, InpainterKind(facts["kind"]), sha256_file(folder / GENERATOR_FILE))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ManifestError(
                "the inpainter is not whole",
                where=folder,
                received=in_a_word(error),
                remedy=rerun(Stage.INPAINTERS),
            ) from None

    def fill(self, **given: Values) -> Values:
        """What the graph makes.

        Args:
            given: Its inputs by name, float32, one place in front: `hu` and `hole` of one shape, `wanted` (1, 1), and
                the kind's own source of chance.

        Returns:
            HU, shape of `hu`; voxels outside the hole are those given.
        """
        made: Values = _session(self.folder / GENERATOR_FILE, self.digest).run(None, given)[0]
        return made


@lru_cache(maxsize=8)
def _session(path: Path, digest: str) -> Any:  # noqa: ARG001  # the digest keeps one trained anew from getting the old graph
    return open_session(path, threads=1)  # banks are made by a process a core; more threads would add in other orders
