import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.entry import Absent
from medfake.reports.markdown import to_markdown
from medfake.reports.notes import absent_text, evidence_text, notes_text
from medfake.vocabulary import Evidence

QUICK = Bootstrap(resamples=100)


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"patients": 4}, "4 patients, fewer than 5"),
        ({"patients": 1, "scans_per_patient": 4}, "one patient: its scans were resampled"),
        ({"patients": 5}, None),
    ],
)
def test_weak_intervals_are_said_to_be_weak(predict, enter, options, note):
    notes = notes_text(compare([enter(predict(**options))], QUICK), "chest")
    assert not notes if note is None else note in notes[0]


def test_trainings_on_different_versions_of_a_data_set_are_noted(predict, enter):
    entries = [enter(predict(detector=name), dataset_sha256=digest * 64) for name, digest in (("A", "0"), ("B", "1"))]
    assert "different versions of the data set" in " ".join(notes_text(compare(entries, QUICK), "chest"))


def test_figures_of_the_replica_protocol_are_called_leaky(predict, enter):
    comparison = compare([enter(predict(), protocol="replica")], QUICK)
    assert "leaky" in notes_text(comparison, "chest")[0]
    assert "These figures are leaky." in to_markdown(comparison)


@pytest.mark.parametrize("evidence", Evidence)
def test_each_kind_of_evidence_has_its_sentence(predict, enter, evidence):
    comparison = compare([enter(predict(patients=2, slices=2), evidence=evidence)], QUICK)
    assert evidence_text(comparison, "chest") == (evidence.sentence,)


def test_a_training_without_a_package_is_named_on_the_page_of_its_data_set(predict, enter):
    absent = [Absent("chest", "VGG19", "seed-1"), Absent("forged", "VGG19", "seed-2")]
    entries = [enter(predict(dataset=name, patients=2, slices=2)) for name in ("chest", "forged")]
    comparison = compare(entries, QUICK, absent)
    assert "chest/VGG19/seed-1" in notes_text(comparison, "chest")[0]
    assert "forged" not in notes_text(comparison, "chest")[0]
    assert "Note: Missing here, as it has no package: forged/VGG19/seed-2." in to_markdown(comparison)


def test_a_data_set_without_any_package_is_named_beside_the_others(predict, enter):
    comparison = compare([enter(predict(patients=2, slices=2))], QUICK, [Absent("forged", "VGG19", "seed-2")])
    assert "forged/VGG19/seed-2" in notes_text(comparison, "chest")[0]


def test_where_nothing_is_missing_nothing_is_said(predict, enter):
    assert absent_text([]) == ""
    assert not any("Missing" in note for note in notes_text(compare([enter(predict())], QUICK), "chest"))
