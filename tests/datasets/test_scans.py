"""Headers and labels as tables: one row a slice, and no raw identifier."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from medfake.config import DatasetParams
from medfake.datasets.build import build_dataset
from medfake.datasets.manifest import SITES_FILE
from medfake.datasets.pseudonyms import KEY_VARIABLE
from medfake.datasets.scans import SCANS_FILE, SITE_COLUMNS, collect_scans
from medfake.datasets.source_faults import PROBLEMS_FILE, SKIPPED_FILE
from medfake.errors import SourceError

MakeParams = Callable[..., DatasetParams]


@pytest.fixture(scope="module")
def collected(trees: Path, make_params: MakeParams, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("collected") / "scans"
    collect_scans(make_params(trees), out)
    return out


def test_every_slice_is_one_row_and_reals_come_before_fakes(collected: Path) -> None:
    slices = pd.read_parquet(collected / SCANS_FILE)
    assert len(slices) == (4 + 6) * 16
    assert slices.scan_id.nunique() == 10
    assert slices.source.drop_duplicates().tolist() == ["LIDC-IDRI", "CT-GAN"]
    assert all(scan.z_index.tolist() == list(range(16)) for _, scan in slices.groupby("scan_id"))


def test_nine_patients_are_behind_ten_scans(collected: Path) -> None:
    assert pd.read_parquet(collected / SCANS_FILE).patient_id.nunique() == 9


def test_sites_carry_index_and_place_in_mm(collected: Path) -> None:
    sites = pd.read_parquet(collected / SITES_FILE)
    assert tuple(sites.columns) == SITE_COLUMNS
    assert sorted(sites.kind) == ["FB", "FB", "FM", "FM", "TM"]
    injected = sites[sites.z_index == 6].iloc[0]
    assert (injected.kind, injected.z_mm, injected.y, injected.x) == ("FM", -70.0, 31, 21)


def test_no_raw_identifier_is_in_any_column(collected: Path) -> None:
    slices = pd.read_parquet(collected / SCANS_FILE).drop(columns="source")
    assert not any("LIDC" in str(value) for value in slices.to_numpy().ravel())


def test_skipped_files_are_listed_with_their_reasons(trees: Path, make_params: MakeParams, tmp_path: Path) -> None:
    shutil.copytree(trees, tmp_path / "trees")
    (tmp_path / "trees" / "LIDC-IDRI" / "broken.dcm").write_text("garbage")
    collect_scans(make_params(tmp_path / "trees"), tmp_path / "out")
    (entry,) = json.loads((tmp_path / "out" / SKIPPED_FILE).read_text())
    assert entry["path"].endswith("broken.dcm")
    assert entry["reason"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_bytes_do_not_depend_on_the_number_of_jobs(
    trees: Path, make_params: MakeParams, collected: Path, tmp_path: Path, jobs: int
) -> None:
    collect_scans(make_params(trees), tmp_path / "scans", jobs)
    for name in (SCANS_FILE, SITES_FILE, SKIPPED_FILE):
        assert (tmp_path / "scans" / name).read_bytes() == (collected / name).read_bytes()


def test_private_pseudonyms_depend_on_the_key_and_the_order_of_rows_does_not(
    trees: Path, make_params: MakeParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = []
    for name in ("a", "b"):
        (tmp_path / f"{name}.key").write_bytes(name.encode() * 32)
        monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / f"{name}.key"))
        collect_scans(make_params(trees, identifiers="private"), tmp_path / name)
        tables.append(pd.read_parquet(tmp_path / name / SCANS_FILE))
    first, second = tables
    assert not set(first.patient_id) & set(second.patient_id)
    assert not set(first.scan_id) & set(second.scan_id)
    assert not set(first.file) & set(second.file)


def test_one_folder_for_reals_and_fakes_is_read_once(tmp_path: Path, make_params: MakeParams, trees: Path) -> None:
    entry = {"kind": "lidc", "path": str(trees / "LIDC-IDRI")}
    collect_scans(make_params(trees, reals=entry, fakes=entry), tmp_path / "out")
    assert len(pd.read_parquet(tmp_path / "out" / SCANS_FILE)) == 4 * 16


def test_a_missing_folder_is_named_and_nothing_is_left_behind(
    tmp_path: Path, make_params: MakeParams, trees: Path
) -> None:
    params = make_params(trees, reals={"kind": "folder", "path": str(tmp_path / "nowhere")})
    with pytest.raises(SourceError, match="missing") as caught:
        collect_scans(params, tmp_path / "out")
    assert str(tmp_path / "nowhere") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_faults_are_written_with_what_was_done_and_strict_makes_them_an_error(
    trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    root = shutil.copytree(trees, tmp_path / "trees")
    (root / "LIDC-IDRI" / "LIDC-0" / "study" / "series" / "3.dcm").unlink()
    shutil.rmtree(root / "CT-GAN" / "CT_Scans" / "EXP2_open" / "1004")
    partial = {"kind": "ct_gan", "path": str(root / "CT-GAN"), "unknown_labels": "leave_out"}
    problems = collect_scans(make_params(root, fakes=partial), tmp_path / "scans").problems
    told = json.loads((tmp_path / "scans" / PROBLEMS_FILE).read_text())
    assert [one["where"] for one in told] == ["LIDC-0/study/series", "EXP2_open/1004"]
    assert [one.done for one in problems] == ["the scan is used as it is and flagged", "it is left out"]
    with pytest.raises(SourceError, match="the data set is strict") as caught:
        collect_scans(make_params(root, fakes=partial, strict=True), tmp_path / "other")
    assert "EXP2_open/1004" in str(caught.value.received)
    assert not (tmp_path / "other").exists()


def test_a_cache_changes_nothing_but_the_time(trees: Path, make_params: MakeParams, tmp_path: Path) -> None:
    for name, cache in (("a", None), ("b", tmp_path / "headers.sqlite"), ("c", tmp_path / "headers.sqlite")):
        collect_scans(make_params(trees), tmp_path / name, cache=cache)
    bytes_of = [(tmp_path / name / SCANS_FILE).read_bytes() for name in ("a", "b", "c")]
    assert bytes_of[0] == bytes_of[1] == bytes_of[2]


def test_scans_have_the_same_names_in_both_published_layouts(
    trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    uci = tmp_path / "uci" / "data" / "Tampered Scans"
    shutil.copytree(trees / "CT-GAN" / "CT_Scans" / "EXP1_blind", uci / "Experiment 1 - Blind")
    shutil.copytree(trees / "CT-GAN" / "CT_Scans" / "EXP2_open", uci / "Experiment 2 - Open")
    for labels in (trees / "CT-GAN").glob("*.csv"):
        shutil.copy(labels, uci)
    collect_scans(make_params(trees), tmp_path / "a")
    collect_scans(make_params(trees, fakes={"kind": "ct_gan", "path": str(tmp_path / "uci")}), tmp_path / "b")
    first, second = (pd.read_parquet(tmp_path / name / SCANS_FILE).drop(columns="file") for name in ("a", "b"))
    assert first.equals(second)


def test_names_that_are_no_utf8_and_control_characters_are_told_and_stored_as_text(
    tmp_path: Path, trees: Path, make_params: MakeParams, write_scan: Callable[..., None]
) -> None:
    own = tmp_path / "own"
    names = [b"M\xfcller", b"M\xfbller", b"M%FCller", b"line\nbreak"]
    for seed, name in enumerate(names):
        write_scan(tmp_path / "plain", "", seed + 50, slices=12)
        (tmp_path / "plain" / "7.dcm").unlink()
        (tmp_path / "plain" / "note.txt").write_text("no scan")
        shutil.move(tmp_path / "plain", own / os.fsdecode(name))
    told = ["M%25FCller", "M%FBller", "M%FCller", "line%0Abreak"]
    rows = "".join(f"{name},FM,3,20,30\n" for name in told)
    (own / "labels.csv").write_text(f"scan,type,slice,x,y\n{rows}", encoding="utf-8")
    fakes = {"kind": "folder", "path": str(own)}
    problems = collect_scans(make_params(trees, fakes=fakes), tmp_path / "scans").problems
    assert sorted(one.where for one in problems) == told
    skipped = json.loads((tmp_path / "scans" / SKIPPED_FILE).read_text(encoding="utf-8"))
    assert sorted(Path(one["path"]).parent.name for one in skipped) == told
    slices = pd.read_parquet(tmp_path / "scans" / SCANS_FILE)
    own_slices = slices[slices.source == "folder"]
    assert own_slices.scan_id.nunique() == own_slices.patient_id.nunique() == len(names)
    assert set(own_slices.manipulation) == {"injected"}
    build_dataset(tmp_path / "scans", make_params(trees, fakes=fakes), tmp_path / "set")
