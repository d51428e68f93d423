"""A training done again as it was: its code, its params and its data in a scratch folder, and its figures compared."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medfake.detectors.families import family_of
from medfake.detectors.registry import DETECTORS
from medfake.errors import FiguresDifferError, RegistryError, ReproductionError
from medfake.experiments.provenance import BLOCKS, Provenance, read_provenance
from medfake.experiments.recovered_data import recover_banks, recover_data, recover_scans
from medfake.experiments.scratch import Scratch, make_scratch
from medfake.experiments.training_run import PACKAGE
from medfake.metrics.same_figures import FigurePair, figure_pairs
from medfake.package.card import CARD_FILE, Card, read_card
from medfake.project import Project
from medfake.tracking.store import Store

_DIRTY: Final = "-dirty"
_RUN_DIGITS: Final = 12  # of a commit, in a sentence
Say = Callable[[str], object]


@dataclass(frozen=True)
class Reproduction:
    """What came of a training that was done again.

    Attributes:
        card: Of the run.
        commit: Of git.
        data: Where its data came from.
        pairs: Every figure before and again.
        tolerance: Largest difference that counts as none.
        folder: The scratch folder where it was kept.
    """

    card: Card
    commit: str
    data: str
    pairs: tuple[FigurePair, ...]
    tolerance: float
    folder: Path | None

    @property
    def differing(self) -> tuple[FigurePair, ...]:
        """Figures that are further apart than the tolerance."""
        return tuple(one for one in self.pairs if not one.difference <= self.tolerance)

    def require_same(self) -> None:
        """Let no difference pass.

        Raises:
            FiguresDifferError: A figure differs.
        """
        if self.differing:
            worst = max(self.differing, key=lambda one: one.difference)
            raise FiguresDifferError(
                f"{len(self.differing)} of {len(self.pairs)} figures differ by more than {self.tolerance:g}",
                where=worst.name, received=f"{worst.before} before, {worst.again} again",
                remedy="small differences may be another machine's or other libraries': --tolerance 0.01; what was "
                "made stays with --keep",
            )  # fmt: skip


def reproduce(
    project: Project, package: Path, *, tolerance: float = 0.0, keep: bool = False, say: Say = lambda _: None
) -> Reproduction:
    """Do a training again in a scratch folder; nothing of the project, its store or its registry is written.

    Args:
        project: Whose git, DVC cache and remotes have what the run names.
        package: What the run made: a folder with card.json.
        tolerance: Largest difference of a figure that counts as none, >= 0.
        keep: Whether the scratch folder stays.
        say: Is told each step.

    Raises:
        ReproductionError: The commit or the data are gone, or the code had changes that were not committed; also where
            the training fails there.
        ManifestError: The package cannot be read.
    """
    card, provenance = read_card(package), read_provenance(package)
    if card.detector not in DETECTORS:
        members = [str(project.package_of(card.dataset, one, card.seed)) for one in card.options.get("of", ())]
        raise ReproductionError(
            "only trainings can be done again, and this is a stack of some", where=card.detector,
            received=", ".join(card.options.get("of", ())) or None,
            remedy=f"medfake reproduce {members[0] if members else 'a member'}, and so on",
        )  # fmt: skip
    commit = require_commit(card, provenance)
    with _folder(keep) as folder:
        say(f"checking out {commit[:_RUN_DIGITS]} into {folder}")
        scratch = make_scratch(project, commit, folder)
        outs = provenance.outs if provenance else {}
        scratch.write_params(_blocks(provenance))
        data = recover_data(scratch, card.dataset, card.dataset_sha256, outs)
        recover_banks(scratch, outs)
        if family_of(DETECTORS[card.detector]).around_mm is not None:
            recover_scans(scratch, card.dataset, outs)
        say(f"data set {card.dataset}: from {data}")
        say(f"training {card.detector} on {card.dataset}, seed {card.seed}")
        again = _train(scratch, card)
        pairs = figure_pairs(package, again)
        return Reproduction(card, commit, data, tuple(pairs), tolerance, folder if keep else None)


def require_commit(card: Card, provenance: Provenance | None) -> str:
    """The commit that has the code of a run.

    Raises:
        ReproductionError: The code was changed and not committed when it was trained, or nobody knows.
    """
    remedy = "commit what the training runs, then train again: dvc repro; such a run can be done again"
    if provenance is not None:
        if provenance.changed_code:
            raise ReproductionError(
                "this run was trained with code that was not committed", where=f"commit {card.git_revision}",
                received=", ".join(provenance.changed_code[:5]), remedy=remedy,
            )  # fmt: skip
        return provenance.commit
    if card.git_revision.endswith(_DIRTY):
        raise ReproductionError(
            "this run was trained with changes that were not committed, and is too old to tell which",
            where=f"commit {card.git_revision}", remedy=remedy,
        )  # fmt: skip
    return card.git_revision


@contextmanager
def package_of_run(store: Store, run_id: str) -> Iterator[Path]:
    """The package of an MLflow run, fetched for as long as the block lasts.

    Raises:
        RegistryError: There is no such run, or it stored no package.
    """
    from mlflow.exceptions import MlflowException

    if not store.exists():
        raise _no_run(store, run_id)
    with tempfile.TemporaryDirectory(prefix="medfake-") as folder:
        with store.session() as client:
            try:
                run = client.get_run(run_id)
            except MlflowException as error:
                raise _no_run(store, run_id) from error
            if f"{PACKAGE}/{CARD_FILE}" not in [one.path for one in client.list_artifacts(run_id, PACKAGE)]:
                raise RegistryError(
                    "this run stored no package: it failed, or is no training", where=f"run {run_id}",
                    received=run.info.status, remedy="take the run of a training that FINISHED",
                )  # fmt: skip
            package = Path(client.download_artifacts(run_id, PACKAGE, folder))
        yield package


def _no_run(store: Store, run_id: str) -> RegistryError:
    return RegistryError(
        "there is no such run", where=store.name, received=run_id,
        remedy="look for it with python -m mlflow_server; a package folder or a version will do, too",
    )  # fmt: skip


def _blocks(provenance: Provenance | None) -> dict[str, object]:
    return {key: one for key, one in provenance.params.items() if key in BLOCKS} if provenance else {}


def _train(scratch: Scratch, card: Card) -> Path:
    """Train in the copy, with its code.

    Raises:
        ReproductionError: It fails, or was made from other options than the run.
    """
    scratch.point_home("detectors", card.detector)
    where = ["--dataset", card.dataset, "--detector", card.detector, "--seed", str(card.seed)]
    code = scratch.run(sys.executable, "-m", "pipelines.train", *where)
    package = scratch.project.package_of(card.dataset, card.detector, card.seed)
    if code:
        raise ReproductionError(
            "the training failed in the copy of the project", where=f"commit {card.git_revision}",
            received=f"exit code {code}", remedy="mend what it says above, or look into the copy: --keep",
        )  # fmt: skip
    again = read_card(package)
    if again.options != card.options:
        differing = sorted(key for key in {**again.options, **card.options}
                           if again.options.get(key) != card.options.get(key))  # fmt: skip
        raise ReproductionError(
            "the params of this run are gone: the commit has others", where=f"detectors.{card.detector}",
            received=", ".join(f"{key}: {again.options.get(key)}, not {card.options.get(key)}" for key in differing),
            remedy="runs that are trained from now on keep their params; train again",
        )  # fmt: skip
    return package


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="medfake-reproduce-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder)
