"""A generator never writes over scans, nor over anything that it did not make; whatever params.yaml says."""

import csv
from pathlib import Path
from typing import Any

import pytest

from medfake.config import Params
from medfake.datasets.sources.generated import COLUMNS, TABLE_FILE
from medfake.errors import OutputRefusedError
from medfake.generators.originals import require_own_folders


def make_params(root: Path, block: dict[str, Any], **changes: Any) -> Params:
    values: dict[str, Any] = {
        "study": "toy", "phantom": {}, "forged": {}, "datasets": {"toy": block},
        "detectors": {"DecisionTree": {}},
        "train": {"datasets": ["toy"], "detectors": ["DecisionTree"], "seeds": [1]},
        "evaluation": {"bootstrap": 100, "confidence": 0.95, "seed": 1}, "nominate": {"metric": "auc"},
        "tracking": {"uri": f"sqlite:///{root}/mlflow.db", "artifacts": "mlartifacts", "experiment": "medfake"},
    }  # fmt: skip
    return Params.model_validate(values | changes)


@pytest.fixture
def block(tmp_path: Path, toy_block: dict[str, Any]) -> dict[str, Any]:
    """Reals in data/raw/LIDC-IDRI, fakes that a generator called dcgan makes."""
    return toy_block | {
        "reals": {"kind": "lidc", "path": str(tmp_path / "data/raw/LIDC-IDRI")},
        "fakes": {"kind": "generated", "path": str(tmp_path / "data/raw/dcgan")},
    }


def require(root: Path, params: Params, name: str) -> None:
    require_own_folders(params, name, root / "data/generators" / name, root / "data/raw" / name)


def test_new_folders_beside_the_originals_are_its_own(tmp_path: Path, block: dict[str, Any]) -> None:
    (tmp_path / "data/raw/LIDC-IDRI").mkdir(parents=True)
    require(tmp_path, make_params(tmp_path, block), "dcgan")


@pytest.mark.parametrize("path", ["data/raw/dcgan", "data/raw/dcgan/series", "data/raw", "data/generators/dcgan"])
def test_a_folder_that_is_holds_or_lies_in_one_of_scans_is_refused(
    tmp_path: Path, block: dict[str, Any], path: str
) -> None:
    originals = {"kind": "lidc", "path": str(tmp_path / path)}
    changed = block | {"reals": originals, "fakes": originals}
    with pytest.raises(OutputRefusedError, match="never writes where scans are") as caught:
        require(tmp_path, make_params(tmp_path, changed), "dcgan")
    assert caught.value.received is not None
    assert caught.value.received.startswith("datasets.toy.reals.path is ")
    assert "give generators.dcgan" in str(caught.value.remedy)


def test_a_link_to_the_originals_hides_nothing(tmp_path: Path, block: dict[str, Any]) -> None:
    (tmp_path / "data/raw/LIDC-IDRI").mkdir(parents=True)
    (tmp_path / "data/raw/dcgan").symlink_to(tmp_path / "data/raw/LIDC-IDRI")
    with pytest.raises(OutputRefusedError, match="never writes where scans are"):
        require(tmp_path, make_params(tmp_path, block | {"fakes": block["reals"]}), "dcgan")
    (tmp_path / "data/raw/dcgan").unlink()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data/raw/dcgan").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputRefusedError, match="nothing but what it made itself") as caught:
        require(tmp_path, make_params(tmp_path, block | {"fakes": block["reals"]}), "dcgan")
    assert caught.value.received == "a link"


@pytest.mark.parametrize("kind", ["forged", "banks", "inpainters", "measure"])
def test_scans_that_other_blocks_take_are_originals_too(tmp_path: Path, block: dict[str, Any], kind: str) -> None:
    mine = str(tmp_path / "data/raw/dcgan")
    learnt = {"seed": 1, "reals": [mine], "identifiers": "public"}
    source, other = {"kind": "folder", "path": mine}, {"kind": "folder", "path": str(tmp_path / "other")}
    blocks: dict[str, dict[str, Any]] = {
        "forged": {"seed": 1, "reals": mine, "scans_per_patient": 1, "manipulations": ["injection"]},
        "banks": {**learnt, "slices": 1, "manipulations": {"injection": 1.0}},
        "inpainters": {**learnt, "kind": "vae-2d"},
        "measure": {"package": "p", "fakes": other, "reals": source, "identifiers": "public"},
    }
    params = make_params(tmp_path, block | {"fakes": block["reals"]}, **{kind: {"one": blocks[kind]}})
    with pytest.raises(OutputRefusedError) as caught:
        require(tmp_path, params, "dcgan")
    assert str(caught.value.received).startswith(f"{kind}.one.reals")


def test_what_it_wrote_before_may_be_written_over_and_what_lies_beside_it_not(
    tmp_path: Path, block: dict[str, Any]
) -> None:
    params, folder = make_params(tmp_path, block), tmp_path / "data/raw/dcgan"
    (folder / "0000").mkdir(parents=True)
    (folder / "0000/0.dcm").write_bytes(b"x")
    with pytest.raises(OutputRefusedError) as caught:
        require(tmp_path, params, "dcgan")
    assert caught.value.received == "0000/0.dcm"
    with (folder / TABLE_FILE).open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, ["0000/0.dcm", "0", "0", "dcgan"]])
    require(tmp_path, params, "dcgan")
    (folder / "scan.dcm").write_bytes(b"x")
    with pytest.raises(OutputRefusedError) as caught:
        require(tmp_path, params, "dcgan")
    assert caught.value.received == "scan.dcm"
    (folder / "scan.dcm").unlink()
    long = csv.field_size_limit() + 1
    for text in (b"file,label\n0000/0.dcm,1\n", b"\xff\xfe", f"{','.join(COLUMNS)}\n{long * 'x'},0,0,dcgan\n".encode()):
        (folder / TABLE_FILE).write_bytes(text)
        with pytest.raises(OutputRefusedError):
            require(tmp_path, params, "dcgan")


def test_files_of_others_where_the_network_goes_are_kept(tmp_path: Path, block: dict[str, Any]) -> None:
    folder = tmp_path / "data/generators/dcgan"
    (folder / "samples").mkdir(parents=True)
    for name in ("generator.onnx", "generator.json", "samples/epoch-0010.png"):
        (folder / name).write_bytes(b"x")
    require(tmp_path, make_params(tmp_path, block), "dcgan")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputRefusedError) as caught:
        require(tmp_path, make_params(tmp_path, block), "dcgan")
    assert caught.value.received == "notes.txt"
