import numpy as np
import pandas as pd
import pytest

from medfake.errors import ManifestError
from medfake.metrics.predictions import (
    COLUMNS,
    read_predictions,
    scan_table,
    validate_predictions,
    write_predictions,
)


def test_what_is_written_is_read(tmp_path, predict):
    made = predict(patients=2, val_patients=1)
    write_predictions(tmp_path / "predictions.parquet", made)
    read = read_predictions(tmp_path / "predictions.parquet")
    assert list(read.columns) == list(COLUMNS)
    expected = validate_predictions(made).sort_values(["split", "slice_id"], ignore_index=True)
    pd.testing.assert_frame_equal(read, expected)


def test_the_order_of_rows_and_columns_does_not_change_the_bytes(tmp_path, predict):
    made = predict(patients=2, val_patients=1)
    shuffled = made.sample(frac=1, random_state=3)[list(reversed(made.columns))]
    write_predictions(tmp_path / "a.parquet", made)
    write_predictions(tmp_path / "b.parquet", shuffled)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("label", 2),
        ("split", "train"),
        ("manipulation", "smoothed"),
        ("manipulation", "none"),
        ("p_tampered", 1.001),
        ("p_tampered", -0.001),
        ("z_mm", np.inf),
        ("spacing_mm", 0.0),
        ("slice_id", "p00-s0-001"),
        ("patient_id", "p01"),
        ("pred_site_y", np.nan),
        ("site_y", np.nan),
    ],
)
def test_an_impossible_value_is_refused_and_its_column_named(predict, column, value):
    made = predict(patients=2, val_patients=1)
    made.loc[0, column] = value
    rule = {"patient_id": "scan_id"}.get(column, column)
    with pytest.raises(ManifestError, match=rf"^{rule} must be") as caught:
        validate_predictions(made)
    assert f"row {1 if column == 'slice_id' else 0} " in caught.value.where
    assert caught.value.remedy


def test_slices_of_another_task_name_no_manipulation(predict):
    made = predict(patients=2, val_patients=1).assign(task="nodules")
    with pytest.raises(ManifestError, match="manipulation must be none in another task"):
        validate_predictions(made)
    with pytest.raises(ManifestError, match="task must be one of tampering, nodules"):
        validate_predictions(made.assign(task="cats"))
    nodules = validate_predictions(made.assign(manipulation="none", generator=""))
    assert set(nodules.task) == {"nodules"}
    assert set(validate_predictions(predict(patients=2, val_patients=1)).task) == {"tampering"}


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_probabilities_at_the_ends_are_allowed(predict, p):
    assert validate_predictions(predict(patients=1, val_patients=0).assign(p_tampered=p))["p_tampered"].eq(p).all()


def test_a_null_is_refused_where_a_value_is_needed(predict):
    made = predict(patients=1, val_patients=0)
    made.loc[3, "p_tampered"] = np.nan
    with pytest.raises(ManifestError, match="p_tampered must be filled"):
        validate_predictions(made)


def test_a_column_of_another_type_is_refused(predict):
    with pytest.raises(ManifestError, match="another type"):
        validate_predictions(predict(patients=1).assign(z_mm="here"))


def test_missing_and_unknown_columns_are_named(predict):
    made = predict(patients=1).drop(columns="z_mm").assign(age=40)
    with pytest.raises(ManifestError, match=r"missing \['z_mm'\], unknown \['age'\]"):
        validate_predictions(made)


def test_no_rows_are_refused(predict):
    with pytest.raises(ManifestError, match="no rows"):
        validate_predictions(predict(patients=1).iloc[:0])


def test_an_error_never_shows_an_identifier(predict):
    made = predict(patients=2, val_patients=0)
    made.loc[0, "patient_id"] = "Doe^Jane"
    with pytest.raises(ManifestError) as caught:
        validate_predictions(made)
    assert "Doe" not in str(caught.value)


def test_a_missing_file_says_what_to_type(tmp_path):
    with pytest.raises(ManifestError, match="dvc repro"):
        read_predictions(tmp_path / "predictions.parquet")


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "predictions.parquet").write_text("slice_id,p\n")
    with pytest.raises(ManifestError, match="no parquet"):
        read_predictions(tmp_path / "predictions.parquet")


def test_another_schema_version_is_refused(tmp_path, predict):
    predict(patients=1).to_parquet(tmp_path / "predictions.parquet")
    with pytest.raises(ManifestError, match=r"(?s)schema version.*none"):
        read_predictions(tmp_path / "predictions.parquet")


def test_a_scan_is_tampered_when_one_of_its_slices_is(predict):
    made = predict(patients=2, val_patients=0, scans_per_patient=1)
    made.loc[made.index[1:12], ["label", "manipulation"]] = [0, "none"]
    scans = scan_table(made)
    assert scans["label"].tolist() == [1, 1]
    assert scans["manipulation"].tolist() == ["injected", "removed"]
    assert scans["n_slices"].tolist() == [12, 12]


def test_scans_are_sorted_whatever_the_order_of_slices(predict):
    made = predict(patients=3, val_patients=1)
    pd.testing.assert_frame_equal(scan_table(made), scan_table(made.sample(frac=1, random_state=5)))


def test_a_scan_has_the_p_that_its_package_says_and_that_of_its_slices_where_it_says_none(predict):
    made = predict(patients=2, val_patients=1)
    by_slices = scan_table(made)
    said = scan_table(made.assign(scan_p=0.25))
    assert (said.p_tampered == 0.25).all()
    pd.testing.assert_frame_equal(said.drop(columns="p_tampered"), by_slices.drop(columns="p_tampered"))
    pd.testing.assert_frame_equal(scan_table(made.assign(scan_p=np.nan)), by_slices)
    with pytest.raises(ManifestError, match=r"^scan_p must be between 0 and 1"):
        validate_predictions(made.assign(scan_p=1.5))
