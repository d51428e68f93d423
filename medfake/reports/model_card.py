"""A package's card as text for people: what it is, what it learnt from, how well it does and where it fails."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from medfake.metrics.binary import HEADINGS
from medfake.metrics.card_figures import CLEAN
from medfake.metrics.intervals import FEW_CLUSTERS, Interval
from medfake.package.card import ONNX_FILE, Card
from medfake.package.measured import Elsewhere, FalseAlarms, Figures
from medfake.reports.markdown import table
from medfake.reports.sentences import interval_text, number_text, plus_minus_text, positive_text
from medfake.robustness.registry import PERTURBATIONS
from medfake.vocabulary import PositiveClass

METRICS: Final = {
    "scan_auc": "Scan AUC",
    "slice_auc": "Slice AUC",
    "window_auc": "Window AUC",
    "hit_rate": "Right place",
    "sensitivity": "Sensitivity",
    **HEADINGS,
}
LEAVE_PATIENTS_OUT: Final = "leave-patients-out"
PROTOCOLS: Final = {
    LEAVE_PATIENTS_OUT: "Patients were left out in turn: whatever scored a scan had not learnt from its patient.",
    "grouped": "No patient is in two splits.",
    "replica": "Slices of one patient may be in training and in the test split: these figures are leaky.",
}
KINDS: Final = {
    "removed": "removed (FB)",
    "injected": "injected (FM)",
    "all": "together",
    "random lung place": "a random place of lung instead",
    "lung centre": "nearest to the middle of the lungs instead",
    "mean HU of the place": "brightness alone instead",
    "|HU - ring|": "contrast with its ring alone instead",
}


def card_text(card: Card, graphs: Mapping[str, str]) -> str:
    """The card as Markdown, which a terminal shows as well.

    Args:
        card: Of a package.
        graphs: SHA-256 of the package's graphs, by file name: measurements of another graph are not shown.

    Returns:
        Sections that have something to say, with a final line end; equal cards give equal text.
    """
    sections = {
        "What it is, and what it is for": _what_it_is(card),
        "What it learnt from": _learnt_from(card),
        "How it was measured": _how_measured(card),
        "Figures": _figures(card),
        "By manipulation, the weakest first": _by_manipulation(card),
        "On scans that it has not learnt from": _elsewhere(card, graphs.get(ONNX_FILE, "")),
        "After what images go through": _robustness(card),
        "False alarms": _false_alarms(card),
        "What it cannot see": _listed(card.blind_to),
        "Limits": _listed(_limits(card)),
        "Where it comes from": _origin(card, graphs),
    }
    parts = [f"# Model card: {card.detector}, learnt from {card.dataset}", f"> {card.intended_use}"]
    for heading, paragraphs in sections.items():
        parts += [f"## {heading}", *paragraphs] if paragraphs else []
    return "\n\n".join(parts) + "\n"


def _listed(clauses: Iterable[str]) -> list[str]:
    lines = [f"- {one}" for one in clauses]
    return ["\n".join(lines)] if lines else []


def _what_it_is(card: Card) -> list[str]:
    gives = "P(tampered) of each slice and of the scan"
    gives += ", and the places that it suspects" if card.localises else ""
    cuts = f"{card.scan_threshold_low:.3f} and {card.scan_threshold_high:.3f}"
    weights = f" It has {card.parameters:,} weights." if card.parameters else ""
    takes = f"It takes `{card.input_contract}` of axial chest CT, and gives {gives}."
    return [f"{takes} Scans between {cuts} are uncertain; from there on they are called tampered.{weights}"]


def _learnt_from(card: Card) -> list[str]:
    learnt = [one for one in card.measured_on if one.startswith("learnt")]
    split = [f"{name}: {count} patients" for name, count in card.patients.items()]
    return _listed([*learnt, *card.sources, *split, card.evidence.sentence])


def _how_measured(card: Card) -> list[str]:
    measured = [one for one in card.measured_on if not one.startswith("learnt")]
    said = PROTOCOLS.get(card.protocol, f"Protocol: {card.protocol}.") + _folds_text(card)
    units = sorted(set(card.interval_unit.values()))
    resampled = f" {100 * card.confidence:g} % intervals from resampled {' and '.join(units)}." if units else ""
    return [said + resampled, *_listed(measured)]


def _folds_text(card: Card) -> str:
    folds = card.folds
    if folds is None:
        return ""
    auc = plus_minus_text(folds.mean["auc"], folds.deviation["auc"])
    stands = " There is no test split: figures of test are those of these trainings." if folds.stand_for_test else ""
    return (
        f" Trained {len(folds.each)} times more over folds of patients, slice AUC {auc}: trainings like this one, "
        f"each on patients that it had not seen.{stands}"
    )


def _figures(card: Card) -> list[str]:
    rows = [
        [split, METRICS.get(name, name), number_text(value), _edges(card.intervals.get(split, {}).get(name))]
        for split, metrics in card.metrics.items()
        for name, value in sorted(metrics.items(), key=lambda one: _place(one[0]))
    ]
    said = f"Sensitivity and specificity of scans are at P = {card.scan_threshold_high:.3f}, the verdict's threshold."
    of = [positive_text(card.positive)] if card.positive is not PositiveClass.TAMPERED else []
    figures = [*of, table(["split", "figure", "value", "interval"], rows)]
    return ([said, *figures] if card.protocol == LEAVE_PATIENTS_OUT else figures) if rows else []


def _by_manipulation(card: Card) -> list[str]:
    if not card.by_manipulation:
        return []
    said = "Scans of each against all untouched ones. What stands first is what it fails at."
    return [said, _figures_table("manipulation", "scans", card.by_manipulation), *_easiest(card.by_manipulation)]


def _easiest(rows: Sequence[Figures]) -> list[str]:
    """What figures without a fault are worth."""
    easy = [row.of for row in rows if row.metrics.get("scan_auc") == 1.0]
    if not easy:
        return []
    said = f"1.000 ({', '.join(easy)}): what medfake's own tool leaves behind is the same wherever it was used."
    return [f"{said} Another tool that does the same in another way may leave less."]


def _elsewhere(card: Card, graph_sha256: str) -> list[str]:
    parts = []
    for one in card.elsewhere:
        if one.graph_sha256 != graph_sha256:
            parts.append(f"The figures on {one.name} are of another graph and are not shown: measure it anew.")
            continue
        parts += [f"### {one.name}", _scans_text(one)]
        if one.within:
            parts += ["Labelled slices, each by itself:", _figures_table("sites", "slices", one.within)]
        if one.whole:
            parts += ["Whole scans:", _figures_table("scans", "count", one.whole)]
    return parts


def _scans_text(one: Elsewhere) -> str:
    text = f"{one.scans} manipulated and {one.untouched} untouched scans of {one.patients} patients."
    apart = (
        "No patient has scans of both kinds: figures of whole scans also measure what else tells the two apart."
        if one.untouched and not one.paired
        else ""
    )
    return " ".join(part for part in (text, one.evidence.sentence, apart) if part)


def _robustness(card: Card) -> list[str]:
    names = sorted({name for figures in card.robustness.values() for name in figures}, key=_place)
    if not names:
        return []
    order = sorted(card.robustness, key=lambda one: (one != CLEAN, one))
    rows = [[_perturbed(one), *(number_text(card.robustness[one].get(name)) for name in names)] for one in order]
    said = f"Labelled slices of {card.robustness_on}, each by itself. " if card.robustness_on else ""
    return [said.strip(), table(["slices", *(METRICS.get(n, n) for n in names)], rows)]


def _perturbed(name: str) -> str:
    return f"{name}: {PERTURBATIONS[name].says}" if name in PERTURBATIONS else name


def _false_alarms(card: Card) -> list[str]:
    said = [_alarms(card.false_alarms, "scans")] if card.false_alarms else []
    said += [_alarms(card.false_alarms_of_few, "scans of few slices")] if card.false_alarms_of_few else []
    return _listed(said)


def _alarms(alarms: FalseAlarms, of: str) -> str:
    return f"{alarms.sentence(of)}. So few do not rule out a rate of {alarms.high:.0%}."


def _limits(card: Card) -> list[str]:
    said = ["scores hold for scanners, patients and manipulations like those above"]
    said += [card.learnt.clause] if card.learnt and card.learnt.clause else []
    few = {name: count for name, count in card.patients.items() if name in card.metrics and count < FEW_CLUSTERS}
    said += [f"{name}: {count} patients, so few that intervals are a hint" for name, count in few.items()]
    if "scans" in card.interval_unit.values():
        said.append("intervals resample scans, and scans of one patient resemble each other: they are too narrow")
    if card.protocol == LEAVE_PATIENTS_OUT and card.false_alarms:
        said.append("thresholds were chosen on the scans of which false alarms are counted: expect more of them")
    if card.sources_apart:
        said.append("its tampered and its real slices come from different sources, which its figures measure as well")
    if not card.elsewhere:
        said.append("it was measured on no scans from elsewhere")
    if card.robustness and not any(name.lower().startswith("jpeg") for name in card.robustness):
        said.append("what compression takes from it was not measured")
    elif not card.robustness:
        said.append("what compression, noise and resampling take from it was not measured")
    return [*said, "what `medfake scan` warns of makes a verdict worth less than these figures say"]


def _origin(card: Card, graphs: Mapping[str, str]) -> list[str]:
    facts = [f"data set {card.dataset}, SHA-256 `{card.dataset_sha256}`"]
    facts += [f"{name}, SHA-256 `{digest}`" for name, digest in sorted(graphs.items())]
    facts.append(f"medfake {card.git_revision}, seed {card.seed}")
    if card.trained_on:
        facts.append(f"trained on {card.trained_on}")
    agreement = card.agreement
    facts.append(f"its graph differs from what was trained by {agreement.max_abs_difference:.1e} at most")
    return _listed(facts)


def _figures_table(what: str, counted: str, rows: Sequence[Figures]) -> str:
    names = sorted({name for row in rows for name in row.metrics}, key=_place)
    body = [[_named(row.of), str(row.count), *(_cell(row, name) for name in names)] for row in rows]
    return table([what, counted, *(METRICS.get(name, name) for name in names)], body)


def _place(name: str) -> tuple[int, str]:
    """Figures in the order of `METRICS`, others after them."""
    return list(METRICS).index(name) if name in METRICS else len(METRICS), name


def _named(of: str) -> str:
    return ": ".join(KINDS.get(part, part) for part in of.split(", "))


def _cell(row: Figures, name: str) -> str:
    return f"{number_text(row.metrics.get(name))} {_edges(row.intervals.get(name))}".strip()


def _edges(edges: tuple[float, float] | None) -> str:
    return interval_text(Interval(*edges)) if edges else ""
