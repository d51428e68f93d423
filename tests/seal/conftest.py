"""A scan of five slices, keys, and the two commands."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from pydicom.dataset import Dataset

from medfake.cli.root import cli
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import MedfakeError
from medfake.seal.keys import KeyPair, generate_keys

PATIENT = "DOE^JANE-4711"
INTACT = "intact: 5 slices of 1 series, as sealed on DAY with key KEY\n"
TEMPLATE = SeriesTemplate(
    patient_id=PATIENT, manufacturer="ACME", model="One", kernel="B70f", thickness_mm=2.0, spacing_mm=(0.7, 0.8)
)
Change = Callable[[Dataset], None]


@dataclass(frozen=True)
class Said:
    """What a command did: its exit code, and all that it said, errors as a terminal shows them."""

    code: int
    text: str


Run = Callable[..., Said]


def write_scan(folder: Path, slices: int = 5, seed: str = "seed", edge: int = 16) -> Path:
    """Every voxel different; 0.dcm is the lowest."""
    volume = (np.arange(slices * edge * edge) % 3000 - 900).astype(np.int16).reshape(slices, edge, edge)
    places = np.array([(-10.0, -20.0, 2.0 * number) for number in range(slices)])
    write_series(folder, volume, places, TEMPLATE, uid_seed=seed, synthetic=None)
    return folder


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MEDFAKE_SEAL_PASSPHRASE", raising=False)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A scan below the working folder."""
    write_scan(tmp_path / "scan")
    return Path("scan")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """A pair without passphrase."""
    return generate_keys(tmp_path_factory.mktemp("keys"), None)


@pytest.fixture(scope="session")
def other_keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """Of somebody else."""
    return generate_keys(tmp_path_factory.mktemp("others"), None)


@pytest.fixture
def run() -> Run:
    """Run `medfake ...`."""

    def call(*arguments: object, answer: str | None = None) -> Said:
        done = CliRunner().invoke(cli, list(map(str, arguments)), input=answer)
        if isinstance(done.exception, MedfakeError):
            return Said(done.exception.exit_code, f"{done.output}error: {done.exception}\n")
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.output)

    return call


@pytest.fixture
def seal(run: Run, keys: KeyPair) -> Callable[[Path], Said]:
    """Seal a scan with the pair of keys."""
    return lambda path: run("seal", path, "--key", keys.private)


@pytest.fixture
def verify(run: Run, keys: KeyPair) -> Callable[..., Said]:
    """Verify a scan with the pair of keys; days and fingerprints as DAY and KEY."""

    def call(path: Path, *arguments: object) -> Said:
        said = run("verify", path, "--key", keys.public, *arguments)
        text = re.sub(r"SHA256:[0-9a-f]{64}", "KEY", re.sub(r"20\d\d-\d\d-\d\d", "DAY", said.text))
        return Said(said.code, text)

    return call


def change(path: Path, how: Change) -> None:
    """Change a file in place."""
    dataset = pydicom.dcmread(path)
    how(dataset)
    dataset.save_as(path)


def change_pixel(dataset: Dataset) -> None:
    """Add 1 to the stored value in the middle of a slice."""
    pixels = dataset.pixel_array.copy()
    pixels[8, 8] += 1
    dataset.PixelData = pixels.tobytes()
