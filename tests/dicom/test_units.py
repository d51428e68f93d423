import pytest

from medfake.dicom.units import means_hounsfield


@pytest.mark.parametrize(
    "kind",
    [None, "", " ", "\0", "HU", "hu", " HU ", "H.U.", "US", "us", "Unspecified", "HU (Hounsfield)",
     "Hounsfield", "Hounsfield Unit", "HOUNSFIELD UNITS", "HOUNSFIELD_UNITS", "HounsfieldUnits",
     "Hounsfield Units (HU)", "Houndsfield Unit", "Houngsfield Unit", "Hounsfeld", "Haunsfield", "Hounsfiled Units",
     "Hundsfield"],
)  # fmt: skip
def test_what_vendors_write_for_hounsfield_units_is_that(kind: str | None) -> None:
    assert means_hounsfield(kind)


@pytest.mark.parametrize(
    "kind",
    ["OD", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT", "normalized", "Modified Hounsfield Units", "mg/ml", "g/ml",
     "SUV", "1", "10 HU", "HU*10", "HU/2", "units", "percent", "keV", "Houns", "mHU", "non-Hounsfield",
     "Not Hounsfield", "Field"],
)  # fmt: skip
def test_what_is_another_quantity_is_not(kind: str) -> None:
    assert not means_hounsfield(kind)
