"""Small real trees: 64 x 64 slices written as DICOM, laid out as the public sets are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medfake.config import DatasetParams
from medfake.dicom.writer import SeriesTemplate, write_series

SIZE = 64
WriteScan = Callable[..., None]
MakeParams = Callable[..., DatasetParams]


@pytest.fixture(scope="session")
def write_scan() -> WriteScan:
    """Write a scan of random tissue in air, every slice unlike every other unless the seed is the same."""

    def write(
        folder: Path,
        patient: str,
        seed: int,
        slices: int = 16,
        step_mm: float = 5.0,
        synthetic: str | None = None,
        size: int = SIZE,
    ) -> None:
        rng = np.random.default_rng(seed)
        volume = np.full((slices, size, size), -1000, np.int16)
        volume[:, 8:-8, 8:-8] = rng.integers(-100, 200, size=(slices, size - 16, size - 16), dtype=np.int16)
        positions = np.array([(0.0, 0.0, -100.0 + index * step_mm) for index in range(slices)])
        template = SeriesTemplate(
            patient_id=patient,
            manufacturer="maker",
            model="model",
            kernel="B30",
            thickness_mm=step_mm,
            spacing_mm=(0.7, 0.7),
        )
        write_series(folder, volume, positions, template, uid_seed=str(folder), synthetic=synthetic)

    return write


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory, write_scan: WriteScan) -> Path:
    """An LIDC-like tree of four patients and a CT-GAN tree (Kaggle layout) of six; 1004 is in both experiments."""
    root = tmp_path_factory.mktemp("trees")
    for number in range(4):
        write_scan(root / "LIDC-IDRI" / f"LIDC-{number}" / "study" / "series", f"LIDC-{number}", number)
    scans = root / "CT-GAN" / "CT_Scans"
    for uuid in (1000, 1001, 1002, 1003, 1004):
        write_scan(scans / "EXP1_blind" / str(uuid), "CT-GAN", uuid)
    write_scan(scans / "EXP2_open" / "1004", "CT-GAN", 2004)
    head = "type,uuid,slice,x,y\r\n"
    (root / "CT-GAN" / "labels_exp1.csv").write_text(
        head + "FB,1000,5,20,30\r\nFM,1001,6,21,31\r\nFM,1002,5,20,30\r\nTB,1003,0,0,0\r\nTM,1004,5,22,32\r\n"
    )
    (root / "CT-GAN" / "labels_exp2.csv").write_text(head + "FB,1004,5,22,32\r\n")
    return root


@pytest.fixture(scope="session")
def make_params() -> MakeParams:
    """DatasetParams over an LIDC and a CT-GAN tree, any field overridden."""

    def make(root: Path, **overrides: object) -> DatasetParams:
        values: dict[str, object] = {
            "reals": {"kind": "lidc", "path": str(root / "LIDC-IDRI")},
            "fakes": {"kind": "ct_gan", "path": str(root / "CT-GAN")},
            "identifiers": "public",
            "labelling": {"rule": "extent", "tampered_mm": 16.0, "ignore_mm": 25.0},
            "split": {"protocol": "grouped", "val": 0.2, "test": 0.3, "seed": 1},
            "balance": {"tolerance": 0.02, "seed": 1},
        }
        return DatasetParams.model_validate(values | overrides)

    return make
