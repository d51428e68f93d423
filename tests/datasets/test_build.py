"""A built data set: balanced, patients and pixels apart, the same bytes whoever builds it."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medfake.config import AugmentParams, DatasetParams
from medfake.datasets.augment import apply, move, transforms
from medfake.datasets.build import BOTH_LABELS, LEFT_OUT_FILE, TWICE, build_dataset
from medfake.datasets.dataset import Dataset
from medfake.datasets.manifest import FACTS_FILE, MANIFEST_FILE, SCHEMA
from medfake.datasets.scans import SCANS_FILE, collect_scans
from medfake.datasets.source_files import find_files
from medfake.datasets.stored import AIR_FRACTION_BELOW_HU
from medfake.dicom.header import read_headers
from medfake.dicom.reader import read_slice
from medfake.errors import DataError
from medfake.vocabulary import Split

MakeParams = Callable[..., DatasetParams]
WriteScan = Callable[..., None]


@pytest.fixture(scope="module")
def scans(trees: Path, make_params: MakeParams, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("build") / "scans"
    collect_scans(make_params(trees), out)
    return out


@pytest.fixture(scope="module")
def built(scans: Path, trees: Path, make_params: MakeParams) -> Dataset:
    build_dataset(scans, make_params(trees), scans.parent / "chest")
    return Dataset.open(scans.parent / "chest")


def test_the_manifest_has_the_columns_of_the_schema(built: Dataset) -> None:
    assert built.manifest.columns.tolist() == SCHEMA.names
    assert built.manifest.slice_id.is_unique


def test_every_split_is_half_tampered(built: Dataset) -> None:
    shares = built.manifest.groupby("split").label.mean()
    assert shares.to_dict() == dict.fromkeys(Split, 0.5)


def test_squares_of_untampered_slices_lie_around_nodules_where_there_are_some(
    scans: Path, trees: Path, make_params: MakeParams
) -> None:
    places = {"view": {"name": "localized", "size": 32}, "labelling": {"rule": "neighbours", "k": 0}}
    made: dict[str, Dataset] = {}
    for negatives in ("nodules", "random"):
        balance = {"tolerance": 0.02, "seed": 1, "negatives": negatives}
        build_dataset(scans, make_params(trees, **places, balance=balance), scans.parent / negatives)
        made[negatives] = Dataset.open(scans.parent / negatives)
    for one in made.values():
        real = one.manifest[one.manifest.label == 0]
        counts = {"on_nodule": int(real.site_y.notna().sum()), "elsewhere": int(real.site_y.isna().sum())}
        assert one.facts["negatives"] == counts
    assert made["nodules"].facts["negatives"]["on_nodule"] > made["random"].facts["negatives"]["on_nodule"]


def test_no_patient_is_in_two_splits(built: Dataset) -> None:
    assert built.manifest.groupby("patient_id").split.nunique().max() == 1


def test_no_pixels_occur_twice(built: Dataset) -> None:
    assert built.manifest.sha256.is_unique


def test_labels_and_manipulations_agree(built: Dataset) -> None:
    pairs = set(zip(built.manifest.label, built.manifest.manipulation, strict=True))
    assert pairs == {(0, "none"), (1, "injected"), (1, "removed")}


def test_tampered_slices_have_a_site_within_reach(built: Dataset) -> None:
    tampered = built.manifest[built.manifest.label == 1]
    assert tampered.distance_mm.le(16.0).all()
    assert tampered[["site_y", "site_x"]].notna().all(axis=None)


def test_rows_describe_the_pixels_that_the_files_hold(
    built: Dataset, scans: Path, trees: Path, make_params: MakeParams
) -> None:
    sources = pd.read_parquet(scans / SCANS_FILE).set_index(["scan_id", "z_index"])
    paths = find_files(make_params(trees), set(sources.file))
    rows = built.manifest.iloc[::7]
    for row, pixels in zip(rows.itertuples(), built.slices(rows), strict=True):
        source = sources.loc[(row.scan_id, row.z_index)]
        assert np.array_equal(pixels, read_slice(read_headers(paths[source.file])[source.frame]))
        assert row.sha256 == sha256(pixels.astype("<i2").tobytes()).hexdigest()
        assert (row.hu_min, row.hu_max) == (pixels.min(), pixels.max())
        assert row.air_fraction == (pixels < AIR_FRACTION_BELOW_HU).mean()


def test_the_bytes_do_not_depend_on_the_number_of_jobs(
    built: Dataset, scans: Path, trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    build_dataset(scans, make_params(trees), tmp_path / "chest", jobs=2)
    files = sorted(path.name for path in built.folder.iterdir())
    assert files == sorted(path.name for path in (tmp_path / "chest").iterdir())
    for name in files:
        assert (tmp_path / "chest" / name).read_bytes() == (built.folder / name).read_bytes(), name


def test_a_set_without_medfakes_mark_is_clinical(built: Dataset) -> None:
    assert built.evidence == "clinical"


def test_neighbours_label_the_same_scans_otherwise(
    scans: Path, trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    build_dataset(scans, make_params(trees, labelling={"rule": "neighbours", "k": 1}), tmp_path / "chest")
    manifest = Dataset.open(tmp_path / "chest").manifest
    assert manifest.distance_mm[manifest.label == 1].max() == 5.0


@pytest.mark.parametrize(("mark", "evidence"), [("phantom", "phantom"), ("forged", "forged")])
def test_medfakes_own_mark_names_the_evidence(
    make_params: MakeParams, write_scan: WriteScan, tmp_path: Path, mark: str, evidence: str
) -> None:
    for number in range(3):
        write_scan(tmp_path / "reals" / str(number), f"p{number}", number)
        write_scan(tmp_path / "fakes" / str(number), f"p{number}", 10 + number, synthetic=mark)
    rows = "".join(f"{number},FM,5,20,30\n" for number in range(3))
    (tmp_path / "fakes" / "labels.csv").write_text(f"scan,type,slice,x,y\n{rows}")
    sources = {name: {"kind": "folder", "path": str(tmp_path / name)} for name in ("reals", "fakes")}
    params = make_params(tmp_path, **sources)
    collect_scans(params, tmp_path / "scans")
    build_dataset(tmp_path / "scans", params, tmp_path / "own")
    dataset = Dataset.open(tmp_path / "own")
    assert dataset.evidence == evidence
    assert dataset.manifest.groupby("split").patient_id.nunique().to_dict() == dict.fromkeys(Split, 1)


def test_pixels_that_two_scans_share_are_kept_once(
    trees: Path, make_params: MakeParams, tmp_path: Path, write_scan: WriteScan
) -> None:
    root = shutil.copytree(trees, tmp_path / "trees")
    write_scan(root / "LIDC-IDRI" / "again", "LIDC-0", 0)
    collect_scans(make_params(root), tmp_path / "scans")
    build_dataset(tmp_path / "scans", make_params(root), tmp_path / "chest")
    manifest = Dataset.open(tmp_path / "chest").manifest
    assert manifest.sha256.is_unique
    assert manifest.groupby("split").label.mean().to_dict() == dict.fromkeys(Split, 0.5)


def test_a_set_without_fakes_is_refused(trees: Path, make_params: MakeParams, tmp_path: Path) -> None:
    params = make_params(trees, fakes={"kind": "lidc", "path": str(trees / "LIDC-IDRI")})
    collect_scans(params, tmp_path / "scans")
    with pytest.raises(DataError, match="real and tampered") as caught:
        build_dataset(tmp_path / "scans", params, tmp_path / "chest")
    assert "0 tampered of 64 slices" in str(caught.value)


def test_a_failed_build_keeps_the_old_data_set_and_leaves_nothing_else(
    built: Dataset, trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    root = shutil.copytree(trees, tmp_path / "trees")
    collect_scans(make_params(root), tmp_path / "scans")
    out = shutil.copytree(built.folder, tmp_path / "built" / "chest")
    shutil.rmtree(root / "CT-GAN")
    with pytest.raises(DataError, match="nothing usable is left"):
        build_dataset(tmp_path / "scans", make_params(root), out)
    assert [path.name for path in out.parent.iterdir()] == ["chest"]
    for name in (MANIFEST_FILE, FACTS_FILE):
        assert (out / name).read_bytes() == (built.folder / name).read_bytes()


def _build(root: Path, params: DatasetParams, out: Path, **who: object) -> Dataset:
    collect_scans(params, out.parent / f"{out.name}-scans")
    build_dataset(out.parent / f"{out.name}-scans", params, out, **who)  # type: ignore[arg-type]  # jobs or dask
    return Dataset.open(out)


def _left_out(dataset: Dataset) -> dict[str, str]:
    reasons: dict[str, str] = json.loads((dataset.folder / LEFT_OUT_FILE).read_text())
    return reasons


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])


def test_a_slice_that_cannot_be_decoded_is_left_out_listed_and_replaced(
    trees: Path, make_params: MakeParams, tmp_path: Path, built: Dataset
) -> None:
    root = shutil.copytree(trees, tmp_path / "trees")
    params = make_params(root)
    collect_scans(params, tmp_path / "scans")
    sources = pd.read_parquet(tmp_path / "scans" / SCANS_FILE)
    real = built.manifest[(built.manifest.label == 0) & (built.manifest.source == "LIDC-IDRI")].iloc[0]
    broken = sources[(sources.scan_id == real.scan_id) & (sources.z_index == real.z_index)].iloc[0]
    _truncate(find_files(params, [broken.file])[broken.file])
    build_dataset(tmp_path / "scans", params, tmp_path / "chest")
    dataset = Dataset.open(tmp_path / "chest")
    assert list(_left_out(dataset)) == [real.slice_id]
    assert real.slice_id not in set(dataset.manifest.slice_id)
    assert len(dataset.manifest) == len(built.manifest)
    assert dataset.manifest.groupby("split").label.mean().to_dict() == dict.fromkeys(Split, 0.5)


def test_a_strict_data_set_stops_where_another_leaves_out(trees: Path, make_params: MakeParams, tmp_path: Path) -> None:
    root = shutil.copytree(trees, tmp_path / "trees")
    params = make_params(root, strict=True)
    collect_scans(params, tmp_path / "scans")
    for path in (root / "CT-GAN" / "CT_Scans" / "EXP1_blind" / "1000").iterdir():
        _truncate(path)
    with pytest.raises(DataError, match="the data set is strict") as caught:
        build_dataset(tmp_path / "scans", params, tmp_path / "chest")
    assert " x " in str(caught.value.received)
    assert not (tmp_path / "chest").exists()


def test_pixels_with_both_labels_are_dropped_wholly(
    trees: Path, make_params: MakeParams, write_scan: WriteScan, tmp_path: Path
) -> None:
    root = shutil.copytree(trees, tmp_path / "trees")
    write_scan(root / "LIDC-IDRI" / "copied", "LIDC-9", 1001)  # the pixels of a tampered scan under another name
    dataset = _build(root, make_params(root, balance={"tolerance": 0.02, "seed": 3}), tmp_path / "chest")
    dropped = {name for name, reason in _left_out(dataset).items() if reason == BOTH_LABELS}
    assert dropped
    assert not dropped & set(dataset.manifest.slice_id)
    assert dataset.manifest.groupby("sha256").label.nunique().max() == 1


def test_repeated_pixels_are_listed(
    trees: Path, make_params: MakeParams, write_scan: WriteScan, tmp_path: Path
) -> None:
    root = shutil.copytree(trees, tmp_path / "trees")
    for number in range(4):
        write_scan(root / "LIDC-IDRI" / f"again-{number}", f"LIDC-{number}", number)
    dataset = _build(
        root, make_params(root, balance={"tolerance": 0.0, "seed": 1, "negatives": "random"}), tmp_path / "c"
    )
    assert set(_left_out(dataset).values()) == {TWICE}
    assert dataset.manifest.sha256.is_unique


def test_an_augmented_set_holds_every_copy_of_train_slices_of_both_classes(
    trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    augment = {"flips": True, "shift_px": 4, "rotate_step_deg": 90}
    dataset = _build(trees, make_params(trees, augment=augment), tmp_path / "chest")
    manifest = dataset.manifest
    words = ["", *transforms(AugmentParams.model_validate(augment))]
    train = manifest[manifest.split == "train"]
    counts = train.groupby(["label", "transform"]).size()
    assert set(counts.index) == {(label, word) for label in (0, 1) for word in words}
    assert set(counts) == {(train.label == 1).sum() / len(words)}
    assert set(manifest["transform"][manifest.split != "train"]) == {""}
    assert manifest.slice_id.is_unique
    tampered = train[(train.label == 1)].iloc[: len(words)]
    first, pixels = tampered.iloc[0], dataset.slices(tampered)
    for row, stored in zip(tampered.itertuples(), pixels, strict=True):
        assert np.array_equal(stored, apply(pixels[0], row.transform))
        assert (row.site_y, row.site_x) == pytest.approx(move(first.site_y, first.site_x, row.transform, 64, 64))


def test_a_localized_set_stores_squares_with_sites_inside(trees: Path, make_params: MakeParams, tmp_path: Path) -> None:
    dataset = _build(trees, make_params(trees, view={"name": "localized", "size": 32}), tmp_path / "chest")
    manifest = dataset.manifest
    assert set(zip(manifest.rows, manifest.cols, strict=True)) == {(32, 32)}
    assert set(manifest.view) == {"localized"}
    tampered = manifest[manifest.label == 1]
    assert tampered[["site_y", "site_x"]].apply(lambda place: place.between(0, 31)).all(axis=None)
    assert manifest.groupby("split").label.mean().to_dict() == dict.fromkeys(Split, 0.5)


def test_a_view_that_finds_nothing_on_any_slice_is_refused_with_the_reason(
    trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="nothing usable is left") as caught:
        _build(trees, make_params(trees, view={"name": "delocalized"}), tmp_path / "chest")
    assert "the slice has nothing for this view" in str(caught.value.received)


def test_millimetres_of_a_resized_slice_are_those_of_its_own_pixels(
    trees: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    whole = _build(trees, make_params(trees), tmp_path / "whole").manifest
    size = int(whole.rows.iloc[0]) // 2
    half = _build(trees, make_params(trees, view={"name": "resized", "size": size}), tmp_path / "half").manifest
    assert set(zip(half.rows, half.cols, half["view"], strict=True)) == {(size, size, "resized")}
    both = whole.merge(half, on="slice_id", suffixes=("", "_half"))
    assert len(both) == len(whole)
    assert both.spacing_mm_half.to_numpy() == pytest.approx(2 * both.spacing_mm.to_numpy())
    sites = both[both.site_y.notna()]
    in_mm = [((sites[f"site_y{of}"] + 0.5) * sites[f"spacing_mm{of}"]).to_numpy() for of in ("", "_half")]
    assert in_mm[1] == pytest.approx(in_mm[0])


def test_folds_are_written_into_the_manifest(trees: Path, make_params: MakeParams, tmp_path: Path) -> None:
    split = {"protocol": "grouped", "val": 0.2, "test": 0.3, "seed": 1, "folds": 3}
    manifest = _build(trees, make_params(trees, split=split), tmp_path / "chest").manifest
    assert set(manifest.fold[manifest.split != "test"]) == {0, 1, 2}
    assert manifest.fold[manifest.split == "test"].isna().all()
