"""The tables of Solaiyappan and Wen, ours and printed side by side, and who else was misled by the same scans."""

from collections.abc import Mapping
from typing import Final

from medfake.config import Params
from medfake.metrics.both_classes import BothClasses, measure_both
from medfake.metrics.classes import HEADINGS
from medfake.reports.comparison import Result
from medfake.reports.papers import read_table
from medfake.reports.parts import Cell, Part, Row, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import number_text
from medfake.vocabulary import Evidence, Split

_PAPER: Final = "solaiyappan"
_MULTICLASS: Final = "multiclass"
_LOST: Final = ("4", "VGG19")  # its cells lost their order
_TABLES: Final = {  # setting that a data set is set beside -> table
    "raw": "2",
    "localized": "3",
    "localized-augmented": "4",
    "delocalized": "5",
    "delocalized-augmented": "6",
    _MULTICLASS: "7",
}
_FIGURES: Final = {  # key of ours -> heading, key as printed; in the order of the tables
    "train_accuracy": ("train accuracy", "train_accuracy"),
    "train_log_loss": ("train loss", "train_loss"),
    "accuracy": ("test accuracy", "test_accuracy"),
    "log_loss": ("test loss", "test_loss"),
    "untampered_precision": ("precision, untampered", "untampered_precision"),
    "untampered_recall": ("recall, untampered", "untampered_recall"),
    "tampered_precision": ("precision, tampered", "tampered_precision"),
    "tampered_recall": ("recall, tampered", "tampered_recall"),
}
_OURS: Final = "ours"
_NOTHING: Final = "-"
_HOW_TO_READ: Final = (
    "Our figures are of the protocol that each data set names; how patients were split the paper does not say in full. "
    "It counts 65 removals and 41 injections, the published label files name 72 and 41 slices. Train figures are of "
    "slices that a detector learnt from. The paper leaves out losses of classical models; ours are of calibrated "
    "probabilities. A cell without a figure was not printed."
)
_COPIED_ALIKE: Final = (
    "For Table 7 the paper makes copies of fakes alone, so that a turned slice is a fake; here all three classes are "
    "drawn in equal parts and copied alike."
)
_RAW_PIXELS: Final = 1

Results = tuple[Result, ...]


@section("solaiyappan", order=30)
def solaiyappan(given: ReportInput) -> Section | None:
    """A table for every data set that the paper has, theirs beside ours; None where there is none."""
    compared = _compared(given)
    if not compared:
        return None
    parts: list[Part] = [_found(compared)]
    for setting, results in compared.items():
        parts.append(_three_classes(results) if setting == _MULTICLASS else _two_classes(setting, results))
    parts += [*_notes(given, compared), _readers()]
    return Section(heading="Beside Solaiyappan and Wen", nav="Tables 2-7", parts=parts)


def _compared(given: ReportInput) -> dict[str, Results]:
    """By setting, in the order of the tables: results of detectors that the paper has there."""
    found: dict[str, Results] = {}
    for name in given.comparison.datasets:
        beside = given.params.datasets[name].published
        if beside is not None and beside.paper == _PAPER and beside.setting is not None:
            printed = _printed(beside.setting)
            found[beside.setting] = tuple(one for one in given.comparison.of(name) if one.entry.detector in printed)
    return {setting: found[setting] for setting in _TABLES if found.get(setting)}


def _printed(setting: str) -> dict[str, Mapping[str, str]]:
    """Rows of a table by detector, as printed."""
    if setting == _MULTICLASS:
        return {row["model"]: row for row in read_table("solaiyappan_multiclass")}
    binary = read_table("solaiyappan_binary")
    both = [{**row, "test_accuracy": row["accuracy"]} for row in read_table("solaiyappan_delocalized")]
    rows: dict[str, Mapping[str, str]] = {
        row["model"]: row for row in (*binary, *both) if row["table"] == _TABLES[setting]
    }
    return rows | ({_LOST[1]: {}} if _TABLES[setting] == _LOST[0] else {})


def _found(compared: Mapping[str, Results]) -> str:
    """The highest test accuracy on each data set, ours and theirs."""
    said = []
    for setting, results in compared.items():
        best = max(results, key=lambda one: _measured(one).accuracy or 0.0)
        theirs = {who: row.get("test_accuracy") or row.get("accuracy", "") for who, row in _printed(setting).items()}
        top = max((who for who in theirs if theirs[who]), key=lambda who: float(theirs[who]))
        ours = number_text(_measured(best).accuracy)
        said.append(f"{setting} {best.entry.detector} {ours} (printed: {top} {float(theirs[top]):.3f})")
    return f"Highest accuracy on test slices of {_evidence(next(iter(compared.values())))}: {'; '.join(said)}."


def _measured(result: Result) -> BothClasses:
    return measure_both(result.entry.split(Split.TEST), result.entry.threshold)


def _two_classes(setting: str, results: Results) -> Table:
    rows: list[Row] = []
    theirs: list[int] = []
    printed = _printed(setting)
    for result in results:
        ours = {f"train_{name}": value for name, value in result.entry.of_train.items()} | _measured(result).values()
        rows.append([_who(result), _OURS, *(_cell(ours.get(name)) for name in _FIGURES)])
        row = printed[result.entry.detector]
        theirs.append(len(rows))
        figures = [_cell(float(row[key]) if row.get(key) else None) for _, key in _FIGURES.values()]
        rows.append([result.entry.detector, f"Table {_TABLES[setting]}", *figures])
    return Table(
        caption=f"{results[0].entry.dataset}: {_evidence(results)}, {len(results[0].entry.split(Split.TEST))} test "
        f"slices; the paper's Table {_TABLES[setting]} beneath each.",
        head=["detector", "whose", *(heading for heading, _ in _FIGURES.values())],
        rows=rows,
        theirs=theirs,
    )


def _three_classes(results: Results) -> Table:
    rows: list[Row] = []
    theirs: list[int] = []
    for result in results:
        printed = next((row.classes for row in result.published if row.classes), None)
        loss = _measured(result).log_loss
        for whose, classes, lost in ((_OURS, result.classes, loss), (f"Table {_TABLES[_MULTICLASS]}", printed, None)):
            if classes is None:
                continue
            if whose != _OURS:
                theirs.append(len(rows))
            figures = [_cell(of[word]) for word in HEADINGS for of in (classes.precision, classes.recall)]
            who = _who(result) if whose == _OURS else result.entry.detector
            rows.append([who, whose, _cell(classes.accuracy), _cell(lost), *figures])
    return Table(
        caption=f"{results[0].entry.dataset}: {_evidence(results)}, {len(results[0].entry.split(Split.TEST))} test "
        f"slices called by the largest of three probabilities; the paper's Table {_TABLES[_MULTICLASS]} beneath each.",
        head=[
            *("detector", "whose", "test accuracy", "test loss"),
            *(f"{what} of {word}" for word in HEADINGS.values() for what in ("precision", "recall")),
        ],
        rows=rows,
        theirs=theirs,
    )


def _who(result: Result) -> Cell:
    """The detector, and below what sets it apart from the paper's: its seed, pooled pixels, what a search chose."""
    entry = result.entry
    facts = [f"seed {entry.seed}"]
    pool = entry.options.get("pool", _RAW_PIXELS)
    if pool != _RAW_PIXELS:
        facts.append(f"pool {pool}")
    facts += [f"{name} {value}" for name, value in entry.chosen.items()]
    if entry.learnt and entry.learnt.clause:
        facts.append(f"{entry.learnt.slices} of {entry.learnt.of} training slices")
    return Cell(entry.detector, below=", ".join(facts))


def _cell(value: float | None) -> Cell:
    return Cell(_NOTHING if value is None else number_text(value), value)


def _evidence(results: Results) -> str:
    evidence = results[0].entry.evidence
    return "real scans" if evidence is Evidence.CLINICAL else f"{evidence} scans"


def _notes(given: ReportInput, compared: Mapping[str, Results]) -> list[str]:
    """What must be said of the figures beside each other."""
    notes = [_HOW_TO_READ]
    if "localized-augmented" in compared:
        notes.append("The cells of VGG19 in Table 4 lost their order in print and are left empty.")
    if _MULTICLASS in compared and _alike(given.params, compared[_MULTICLASS]):
        notes.append(_COPIED_ALIKE)
    sampled = [
        f"{one.entry.detector} on {one.entry.dataset}: {one.entry.learnt.clause}"
        for results in compared.values()
        for one in results
        if one.entry.learnt and one.entry.learnt.clause
    ]
    return [*notes, f"{'; '.join(sampled)}."] if sampled else notes


def _alike(params: Params, results: Results) -> bool:
    return params.datasets[results[0].entry.dataset].augment is not None


def _readers() -> Table:
    """The rates that the paper cites, each where it stands in the text."""
    rows: list[Row] = []
    for row in read_table("solaiyappan_readers"):
        misled = float(row["misled"])
        rows.append([row["reader"], row["trial"], row["manipulation"], Cell(f"{misled:.1%}", misled), row["place"]])
    return Table(
        caption="Share of manipulated scans by which readers were misled, as the paper cites it from Mirsky et al. "
        "2019: of diagnoses of whole scans, which no accuracy above is of. The text contradicts itself, so each rate "
        "stands with its place. In the open trial readers knew of the attack.",
        head=["who", "trial", "manipulation", "misled", "in the paper"],
        rows=rows,
        theirs=list(range(len(rows))),
    )
