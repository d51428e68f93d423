"""The best detectors of a study, trained again with other seeds; validation alone chooses them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from medfake.config import RepeatParams
from medfake.detectors.families import family_of
from medfake.detectors.registry import detector_spec
from medfake.errors import ManifestError, MedfakeError, TrainingError
from medfake.experiments.training_run import train_once
from medfake.package.card import CARD_FILE, Card, read_card
from medfake.progress import track
from medfake.project import Project, package_folder
from medfake.training.keras_setup import clear_session
from medfake.vocabulary import Split


def choose_best(cards: Sequence[Card], repeat: RepeatParams) -> list[Card]:
    """The best training of each of the best detectors.

    Args:
        cards: Of the first trainings.
        repeat: How many detectors of each data set, and by which figure of the validation split.

    Returns:
        By data set, best first; equals in the order of their names.
    """

    def value(card: Card) -> float:
        figure = card.metrics[Split.VAL].get(repeat.by)
        return float("-inf") if figure is None else figure

    ranked = sorted(cards, key=lambda card: (card.dataset, -value(card), card.detector, card.seed))
    best = {(card.dataset, card.detector): card for card in reversed(ranked)}  # the best seed of each stays
    chosen = [card for card in ranked if best[card.dataset, card.detector] is card]
    places = {id(card): [one.dataset for one in chosen[:at]].count(card.dataset) for at, card in enumerate(chosen)}
    return [card for card in chosen if places[id(card)] < repeat.best]


def cards_there(packages: Sequence[Path]) -> tuple[list[Card], list[Path]]:
    """Cards of the packages that are there, and the packages that are not: a failed training must not stop others.

    Raises:
        ManifestError: A package is there and its card cannot be read.
    """
    missing = [package for package in packages if not (package / CARD_FILE).exists()]
    return [read_card(package) for package in packages if package not in missing], missing


def train_again(project: Project, first: Sequence[Card]) -> list[Path]:
    """Train the best detectors again, unless it was done; a failure does not stop the others.

    Args:
        project: Its study has `train.repeat`; packages of detectors that are no longer among the best are removed.
        first: Cards of the first trainings.

    Returns:
        All packages.

    Raises:
        TrainingError: Some failed; each is named with its reason.
    """
    repeat, root = project.params.train.repeat, project.repeated
    chosen = choose_best(first, repeat) if repeat else []
    wanted = {
        package_folder(root, card.dataset, card.detector, seed): (card, seed)
        for card in chosen
        for seed in (repeat.seeds if repeat else [])
    }
    for package in root.glob("*/*/seed-*"):
        if package not in wanted:
            shutil.rmtree(package)
    todo = [package for package, (card, _) in wanted.items() if not _is_up_to_date(package, card)]
    failed = []
    for package in track(todo, f"{len(todo)} repeated trainings", len(todo)):
        card, seed = wanted[package]
        try:
            train_once(project, card.dataset, card.detector, seed, package)
        except MedfakeError as error:
            failed.append(f"{card.dataset}/{card.detector}/seed-{seed}: {error.what}")
        if family_of(detector_spec(card.detector)).network:
            clear_session()
    if failed:
        raise TrainingError(
            f"{len(failed)} of {len(todo)} repeated trainings failed", received="; ".join(failed),
            remedy="mend what they name, then dvc repro: those that are done are not done again",
        )  # fmt: skip
    return list(wanted)


def _is_up_to_date(package: Path, first: Card) -> bool:
    try:
        card = read_card(package)
    except ManifestError:
        return False
    return (card.dataset_sha256, card.options) == (first.dataset_sha256, first.options)
