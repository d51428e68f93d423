"""Does a trained detector read the manipulation? It is scored again on slices with the manipulated place blanked.

What is still told apart then is told by something else, such as the source of a scan. As a square of air may itself
disturb a detector, it is also blanked elsewhere in the lung, where it should cost nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pandas as pd

from medfake.datasets.dataset import Dataset
from medfake.datasets.folds import dataset_of_fold
from medfake.datasets.run import Around
from medfake.files import read_json, write_json
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import evaluate_with_intervals
from medfake.metrics.over_folds import read_tested
from medfake.metrics.predict import predict
from medfake.metrics.significance import paired_difference
from medfake.package.card import Card, fold_graphs, read_card
from medfake.probes.answer import Score
from medfake.probes.blanked_slices import Blank, Patches, blanked_around, blanked_dataset, draw_patches
from medfake.probes.texture import CUBE_MM
from medfake.remedies import Stage, make, rerun
from medfake.vocabulary import Evidence, Split

SCHEMA_VERSION: Final = 2
_DIGITS: Final = 6

FindAround = Callable[[str], Around | None]
"""Name of a detector -> what reads the slices around those of the data set, if it looks at them."""


class Reads(StrEnum):
    """What a detector goes by, as far as blanking shows it."""

    NOTHING = "nothing"
    SITE = "site"
    CONTEXT = "context"
    BOTH = "both"
    UNDECIDED = "undecided"

    @property
    def words(self) -> str:
        """For a cell of a table."""
        return _WORDS[self]

    @property
    def sentence(self) -> str:
        """For a reader."""
        return _SENTENCES[self]


_WORDS: Final = {
    Reads.NOTHING: "no better than chance",
    Reads.SITE: "the site",
    Reads.CONTEXT: "something else",
    Reads.BOTH: "both",
    Reads.UNDECIDED: "undecided",
}
_SENTENCES: Final = {
    Reads.NOTHING: "It tells the classes apart no better than chance.",
    Reads.SITE: "It reads the site: without it, nothing better than chance is shown.",
    Reads.CONTEXT: "It reads something else than the site, such as the source: blanking the site costs it nothing.",
    Reads.BOTH: "It reads the site and something else: without the site it is worse, and still better than chance.",
    Reads.UNDECIDED: "What it reads is not decided: intervals are wide, or a square of air disturbs it wherever it is.",
}


@dataclass(frozen=True)
class Difference:
    """Between two AUC of the same slices, on the same resampled patients."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class BlankedFigures:
    """Slice AUC of one training on the same slices, as they are and blanked.

    Attributes:
        out_of_fold: Whether each slice was scored by the training of its fold.
        slices: Test slices with a known site, and real ones; copies are left out.
        as_is: As they are.
        elsewhere: With a square of lung blanked that is not the site.
        site: With the site blanked, and a random place of lung in real slices.
        of_square: `as_is` minus `elsewhere`: what any square takes from the detector; None where a class is missing.
        of_site: `elsewhere` minus `site`: what the site itself is worth to it; likewise.
        reads: What follows from these.
    """

    detector: str
    seed: int
    out_of_fold: bool
    slices: int
    as_is: Score
    elsewhere: Score
    site: Score
    of_square: Difference | None
    of_site: Difference | None
    reads: Reads


@dataclass(frozen=True)
class BlankedReport:
    """All trainings of one data set.

    Attributes:
        sources_apart: Whether no source has slices of both classes, so that reading the source is enough.
        square_mm: Edge of what is blanked.
    """

    dataset: str
    dataset_sha256: str
    evidence: Evidence
    sources_apart: bool
    trainings: tuple[BlankedFigures, ...]
    square_mm: float = CUBE_MM

    def write(self, path: Path) -> None:
        """Write JSON, byte-stable."""
        write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(self)})


def read_blanked(path: Path) -> BlankedReport:
    """Read what `BlankedReport.write` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    return read_json(
        path, _report_of, missing="trainings were not scored with the site blanked",
        damaged="figures with the site blanked cannot be read",
        make=make(Stage.BLANKED), again=rerun(Stage.BLANKED),
    )  # fmt: skip


def measure_blanked(
    dataset: Dataset,
    packages: Sequence[Path],
    bootstrap: Bootstrap,
    seed: int,
    find_around: FindAround = lambda _: None,
) -> BlankedReport:
    """Score the test slices of a data set again, blanked, with each of some packages.

    Args:
        dataset: That they were trained on; where it has no test split, each fold's graph scores its own fold.
        packages: Folders.
        bootstrap: Of the intervals over patients.
        seed: Of the random places.
        find_around: Stored predictions were made with what it finds; it is blanked, too.

    Raises:
        ManifestError: A package is not whole.
        SourceError: A detector looks at slices around those of the data set, and its scans are not here.
    """
    split = dataset.manifest.split
    tested = dataset.manifest[(split == Split.TEST) if Split.TEST in dataset.parts else split.isin(list(Split))]
    patches = draw_patches(dataset, tested[tested["transform"] == ""], seed)
    trainings = tuple(_measure(dataset, package, patches, bootstrap, find_around) for package in packages)
    return BlankedReport(dataset.name, dataset.digest, dataset.evidence, dataset.sources_apart, trainings)


def judge(as_is: Score, site: Score, of_square: Difference | None, of_site: Difference | None) -> Reads:
    """Say what a detector reads.

    Args:
        as_is: AUC of the slices as they are.
        site: AUC with the site blanked.
        of_square: What any square costs. What that disturbs may have lost the site among what it makes of the square.
        of_site: What the site is worth, blanking itself set aside.
    """
    if as_is.low is None or site.low is None or of_square is None or of_square.low is None:
        return Reads.UNDECIDED
    if of_site is None or of_site.low is None:
        return Reads.UNDECIDED
    if as_is.low <= 0.5:
        return Reads.NOTHING
    if of_site.low > 0:
        return Reads.BOTH if site.low > 0.5 else Reads.SITE
    return Reads.CONTEXT if site.low > 0.5 and of_square.low <= 0 else Reads.UNDECIDED


def _measure(
    dataset: Dataset,
    package: Path,
    patches: dict[Blank, dict[str, Any]],
    bootstrap: Bootstrap,
    find_around: FindAround,
) -> BlankedFigures:
    card = read_card(package)
    as_is = read_tested(package, card)
    around = find_around(card.detector)
    rows = {kind: _blanked_rows(dataset, package, card, own, around) for kind, own in patches.items()}
    kept = [one[(one["split"] == Split.TEST) & one["slice_id"].isin(list(patches[Blank.SITE]))]
            for one in (as_is, rows[Blank.ELSEWHERE], rows[Blank.SITE])]  # fmt: skip
    scores = [_score(one, bootstrap) for one in kept]
    of_square, of_site = (_difference(kept[at], kept[at + 1], bootstrap) for at in (0, 1))
    return BlankedFigures(
        detector=card.detector, seed=card.seed, out_of_fold=_in_folds(card), slices=len(kept[0]),
        as_is=scores[0], elsewhere=scores[1], site=scores[2],
        of_square=of_square, of_site=of_site, reads=judge(scores[0], scores[2], of_square, of_site),
    )  # fmt: skip


def _in_folds(card: Card) -> bool:
    return card.folds is not None and card.folds.stand_for_test


def _blanked_rows(dataset: Dataset, package: Path, card: Card, patches: Patches, around: Around | None) -> pd.DataFrame:
    """Test rows scored anew; by the graph of its fold where folds stand for a test split."""
    near = None if around is None else blanked_around(around, patches)

    def scored(of: Dataset, graphs: Path) -> pd.DataFrame:
        return predict(blanked_dataset(of, patches), graphs, (Split.TEST,), card.detector, card.seed, near).rows

    if card.folds is None or not card.folds.stand_for_test:
        return scored(dataset, package)

    folds = [scored(dataset_of_fold(dataset, one.fold), fold_graphs(package, one.fold)) for one in card.folds.each]
    return pd.concat(folds, ignore_index=True)


def _score(rows: pd.DataFrame, bootstrap: Bootstrap) -> Score:
    measured = evaluate_with_intervals(rows, 0.5, bootstrap)
    low, high = measured.edges["auc"] or (None, None)
    return Score(_rounded(measured.metrics.auc), _rounded(low), _rounded(high), measured.unit, measured.clusters)


def _difference(first: pd.DataFrame, second: pd.DataFrame, bootstrap: Bootstrap) -> Difference | None:
    found = paired_difference(first, second, bootstrap)
    if found is None:
        return None
    edges = found.interval
    low, high = (edges.low, edges.high) if edges else (None, None)
    return Difference(_rounded(found.value), _rounded(low), _rounded(high))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _report_of(values: Any) -> BlankedReport:
    trainings = tuple(_training_of(one) for one in values["trainings"])
    return BlankedReport(
        values["dataset"], values["dataset_sha256"], Evidence(values["evidence"]), values["sources_apart"], trainings,
        values["square_mm"],
    )  # fmt: skip


def _training_of(values: dict[str, Any]) -> BlankedFigures:
    scores = {name: Score(**values[name]) for name in ("as_is", "elsewhere", "site")}
    worth = {name: values[name] and Difference(**values[name]) for name in ("of_square", "of_site")}
    return BlankedFigures(**{**values, **scores, **worth, "reads": Reads(values["reads"])})
