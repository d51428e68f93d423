"""Files by pseudonym: what is shared tells of nobody, and whoever has sources and key finds every file again."""

import json
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from medfake.config import DatasetParams
from medfake.datasets.build import build_dataset
from medfake.datasets.pseudonyms import KEY_VARIABLE
from medfake.datasets.scans import SCANS_FILE, collect_scans
from medfake.datasets.source_faults import PROBLEMS_FILE, SKIPPED_FILE
from medfake.datasets.source_files import find_files
from medfake.errors import SourceError

MakeParams = Callable[..., DatasetParams]
WriteScan = Callable[..., None]
NAMES = ("jane-doe", "JOHN^ROE", "notes-of-miller")


@pytest.fixture
def hospital(tmp_path: Path, write_scan: WriteScan) -> Path:
    """Scans in folders called after patients, with faults that quote them; six of them are labelled."""
    root = tmp_path / "home" / "dr-house" / "scans"
    for number in range(12):
        write_scan(root / f"jane-doe-{number}", f"JOHN^ROE^{number}", 300 + number, slices=12, step_mm=10.0)
    (root / "jane-doe-9" / "notes-of-miller.txt").write_text("no scan")
    (root / "jane-doe-11" / "5.dcm").unlink()
    rows = "".join(f"jane-doe-{number},FM,2,20,30\n" for number in range(6))
    (root / "labels.csv").write_text(f"scan,type,slice,x,y\n{rows}jane-doe-7,XX,jane-doe,1,1\njane-dow,FM,1,1,1\n")
    return root


def _params(root: Path, make_params: MakeParams) -> DatasetParams:
    entry = {"kind": "folder", "path": str(root), "unknown_labels": "leave_out"}
    balance = {"tolerance": 0.02, "seed": 1, "negatives": "random"}
    split = {"protocol": "grouped", "val": 0.3, "test": 0.3, "seed": 1}
    return make_params(root, reals=entry, fakes=entry, identifiers="private", balance=balance, split=split)


def _texts(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            yield pd.read_parquet(path).to_csv()
        if path.is_file():
            yield path.read_bytes().decode("latin-1")


def test_nothing_that_is_shared_names_a_patient_a_file_or_a_folder(
    hospital: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    params = _params(hospital, make_params)
    found = collect_scans(params, tmp_path / "scans", private=tmp_path / "private")
    assert any("jane-doe" in str(problem) for problem in found.problems)
    build_dataset(tmp_path / "scans", params, tmp_path / "set")
    shared = [*_texts(tmp_path / "scans"), *_texts(tmp_path / "set")]
    assert len(shared) > 8
    for word in (*NAMES, "jane", "dr-house", str(tmp_path), ".dcm"):
        assert not [text for text in shared if word.casefold() in text.casefold()], word


def test_what_is_at_fault_is_kept_by_its_own_name_for_the_owner_alone(
    hospital: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    found = collect_scans(_params(hospital, make_params), tmp_path / "scans", private=tmp_path / "private")
    folder = tmp_path / "private" / "scans"
    problems, skipped = (json.loads((folder / name).read_text()) for name in (PROBLEMS_FILE, SKIPPED_FILE))
    assert [one["what"] for one in problems] == [one.what for one in found.problems]
    assert [Path(one["path"]).name for one in skipped] == ["notes-of-miller.txt"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_sources_that_lie_elsewhere_give_the_same_tables_and_the_same_data_set(
    trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    moved = shutil.copytree(trees, tmp_path / "another machine" / "trees")
    collect_scans(make_params(trees), tmp_path / "here")
    collect_scans(make_params(moved), tmp_path / "there")
    assert (tmp_path / "here" / SCANS_FILE).read_bytes() == (tmp_path / "there" / SCANS_FILE).read_bytes()
    build_dataset(tmp_path / "here", make_params(moved), tmp_path / "set")


def test_files_are_found_in_linked_folders_and_past_links_that_go_round(
    trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    root = shutil.copytree(trees, tmp_path / "trees")
    (root / "CT-GAN" / "CT_Scans").rename(tmp_path / "elsewhere")
    (root / "CT-GAN" / "CT_Scans").symlink_to(tmp_path / "elsewhere")
    (root / "LIDC-IDRI" / "A").symlink_to(root / "LIDC-IDRI")
    (root / "LIDC-IDRI" / "B").symlink_to(root / "LIDC-IDRI" / "LIDC-0")
    params = make_params(root)
    collect_scans(params, tmp_path / "scans")
    names = set(pd.read_parquet(tmp_path / "scans" / SCANS_FILE).file)
    found = find_files(params, names)
    assert len(names) == (4 + 6) * 16
    assert all(path.is_file() for path in found.values())
    assert len(set(found.values())) == len(names)


def test_the_same_path_in_both_sources_has_two_names(
    tmp_path: Path, make_params: MakeParams, write_scan: WriteScan
) -> None:
    for seed, name in enumerate(("one", "two")):
        write_scan(tmp_path / name / "a", f"P{seed}", seed, slices=4)
    entries = [{"kind": "folder", "path": str(tmp_path / name)} for name in ("one", "two")]
    collect_scans(make_params(tmp_path, reals=entries[0], fakes=entries[1]), tmp_path / "scans")
    assert pd.read_parquet(tmp_path / "scans" / SCANS_FILE).file.nunique() == 8


def test_under_another_key_no_file_is_found_and_the_error_says_what_to_do(
    trees: Path, make_params: MakeParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = make_params(trees, identifiers="private")
    collect_scans(params, tmp_path / "scans")
    (tmp_path / "other.key").write_bytes(b"o" * 32)
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "other.key"))
    with pytest.raises(SourceError, match="none of the files") as caught:
        build_dataset(tmp_path / "scans", params, tmp_path / "set")
    assert "pseudonym key" in str(caught.value.remedy)


def test_a_file_that_vanished_since_is_left_out_with_its_reason(
    trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    root = shutil.copytree(trees, tmp_path / "trees")
    collect_scans(make_params(root), tmp_path / "scans")
    for number in (0, 1, 2):
        (root / "CT-GAN" / "CT_Scans" / "EXP1_blind" / "1000" / f"{5 + number}.dcm").unlink()
    build_dataset(tmp_path / "scans", make_params(root), tmp_path / "set")
    reasons = set(json.loads((tmp_path / "set" / "left_out.json").read_text()).values())
    assert reasons == {"the file changed or vanished meanwhile (no such file or directory)"}
