"""A generator as it is stored: a graph from noise and class to Hounsfield units, and what is known of its training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from medfake.errors import ExportMismatchError, ManifestError
from medfake.files import read_json, sha256_file
from medfake.generators.material import Window
from medfake.package.keras_to_onnx import write_onnx
from medfake.package.scorer import open_session
from medfake.remedies import Stage, make, rerun

GRAPH_FILE: Final = "generator.onnx"
NETWORK_FILE: Final = "generator.keras"
SCHEMA: Final = 1
FACTS_FILE: Final = "generator.json"
SAMPLES_FOLDER: Final = "samples"
_LARGEST_DIFFERENCE_HU: Final = 0.5
"""Between Keras and ONNX; less than pixels are rounded by."""
_COMPARED = 4


@dataclass(frozen=True)
class StoredGenerator:
    """What stage `generate` has trained.

    Attributes:
        folder: With generator.onnx and generator.json.
        facts: All that generator.json says.
        digest: SHA-256 of the graph.
    """

    folder: Path
    facts: dict[str, Any]
    digest: str

    @classmethod
    def open(cls, folder: Path) -> "StoredGenerator":
        """Open a generator; the graph is not loaded yet.

        Raises:
            ManifestError: A part is missing or cannot be read.
        """
        facts = read_json(
            folder / FACTS_FILE, facts_of, missing="the generator was not made", damaged="the generator is not whole",
            make=make(Stage.GENERATE, folder.name), again=rerun(Stage.GENERATE, folder.name),
        )  # fmt: skip
        if not (folder / GRAPH_FILE).is_file():
            raise ManifestError(
                "the generator is not whole", where=folder / GRAPH_FILE, remedy=rerun(Stage.GENERATE, folder.name)
            )
        return cls(folder, facts, sha256_file(folder / GRAPH_FILE))

    def slices(self, seed: int, count: int) -> "list[tuple[NDArray[np.int16], int]]":
        """Slices, each a function of the graph, the seed and its place alone.

        Args:
            seed: Of all of them.
            count: How many; classes take turns, without a nodule first.

        Returns:
            (size, size) int16 Hounsfield units and the class that was asked for, 1 with a nodule.
        """
        session = open_session(self.folder / GRAPH_FILE, threads=1)  # more would add in other orders
        latent = int(self.facts["plan"]["latent"])
        made = []
        for number in range(count):
            noise = default_rng([seed, number]).standard_normal((1, latent), dtype=np.float32)
            given = {"noise": noise, "nodule": np.array([[number % 2]], np.int32)}
            made.append((np.rint(session.run(None, given)[0][0]).astype(np.int16), number % 2))
        return made


def facts_of(values: Any) -> dict[str, Any]:
    """What a generator.json says.

    Raises:
        ValueError: It is none of this schema.
    """
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise ValueError
    return values


def store_generator(generator: Any, window_hu: Window, latent: int, folder: Path, name: str) -> None:
    """Write generator.keras and generator.onnx, and compare them.

    Args:
        generator: Keras model: noise, nodule -> (n, size, size, 1), -1..1.
        window_hu: What -1 and 1 stand for.
        latent: Numbers of noise.
        folder: To write into.
        name: For messages: its key under `generators`.

    Raises:
        ExportMismatchError: The graph differs from the network.
    """
    whole = in_hu(generator, window_hu)
    generator.save(folder / NETWORK_FILE)
    noise = default_rng(1).standard_normal((_COMPARED, latent), dtype=np.float32)
    nodule = np.arange(_COMPARED, dtype=np.int32)[:, None] % 2
    expected = np.asarray(whole([noise, nodule], training=False))
    write_onnx(whole, folder / GRAPH_FILE, [noise[:1], nodule[:1]])
    made = open_session(folder / GRAPH_FILE, threads=1).run(None, {"noise": noise, "nodule": nodule})[0]
    difference = float(np.abs(made - expected).max())
    if not difference <= _LARGEST_DIFFERENCE_HU:
        raise ExportMismatchError(
            f"the ONNX form differs from the trained generator by more than {_LARGEST_DIFFERENCE_HU} HU",
            where=f"generators.{name}", received=f"{difference:.2e} HU on {_COMPARED} slices",
            remedy="report the generator and its options; nothing was stored",
        )  # fmt: skip


def in_hu(generator: Any, window_hu: Window) -> Any:
    """The generator with Hounsfield units behind it: noise, nodule -> (n, size, size) float32 HU."""
    import keras
    from keras import ops

    low, high = window_hu
    hu = ops.squeeze(generator.output, -1) * ((high - low) / 2) + (high + low) / 2
    return keras.Model(generator.inputs, hu, name="generator_in_hu")
