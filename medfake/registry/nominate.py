"""The best detector of a study becomes challenger; the validation split of one data set decides."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from medfake.config import NominateParams
from medfake.datasets.split import is_leaky
from medfake.errors import ManifestError, RegistryError
from medfake.package.card import CARD_FILE, Card, read_card, require_graph
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nomination import Nomination
from medfake.registry.versions import Alias, package_sha256
from medfake.vocabulary import Split, Task

Cards = Mapping[Path, Card]


def nominate(packages: Sequence[Path], params: NominateParams, registry: ModelRegistry) -> Nomination | None:
    """Register the best package and make it challenger.

    Figures of two data sets cannot be compared, so one data set decides: the one that params name, else the first of
    whole slices whose protocol keeps patients apart. Ties go to the smaller graph, then to the name. The same package
    is not registered twice. Only detectors of tampering in whole slices stand: others answer another question, or need
    a view that scanning does not make.

    Args:
        packages: Folders of the study's model packages, in the order of params.yaml; those that are not there are told.
        params: A validation figure (the test split chooses nothing), and maybe a data set.
        registry: Where.

    Returns:
        None when no detector of the study tells tampering in whole slices.

    Raises:
        RegistryError: No package has the figure, or the data set that params name has no detector of whole slices.
        ManifestError: No package of the study is there, or one lacks its graph.
    """
    there = [package for package in packages if (package / CARD_FILE).exists()]
    missing = tuple("/".join(package.parts[-3:]) for package in packages if package not in there)
    if packages and not there:
        raise ManifestError(
            "no model package of this study is here", where=packages[0], received=f"{len(missing)} are missing",
            remedy="dvc repro",
        )  # fmt: skip
    read = {package: read_card(package) for package in there}
    whole = {package: card for package, card in read.items() if card.view == "whole" and card.task is Task.TAMPERING}
    if there and not whole:
        return None
    dataset, notes = choose_dataset(whole, params)
    others = {card.dataset: card.task for card in read.values() if card.task is not Task.TAMPERING}
    notes += tuple(f"detectors of {name} do not stand: {task.sentence}" for name, task in others.items())
    cards = {package: card for package, card in whole.items() if card.dataset == dataset}
    metric = params.metric
    ranked = sorted(cards, key=lambda package: _rank(package, cards[package], metric))
    best = cards[ranked[0]] if ranked else None
    value = best.metrics[Split.VAL].get(metric) if best else None
    if best is None or value is None:
        raise RegistryError(
            "no detector has the figure that nominates", where="nominate.metric in params.yaml", received=metric,
            remedy="dvc repro, or choose another figure",
        )  # fmt: skip
    if missing:
        notes = (*notes, f"{len(missing)} packages are missing and did not stand: {', '.join(missing)}")
    number = registry.known(ranked[0], metric) or registry.register(ranked[0], metric)
    _make_challenger(number, registry)
    return Nomination(
        version=number,
        package_sha256=package_sha256(ranked[0]),
        detector=best.detector,
        dataset=best.dataset,
        protocol=best.protocol,
        validation_patients=best.patients.get(Split.VAL),
        seed=best.seed,
        metric=metric,
        value=value,
        table=tuple((_name(cards[package]), cards[package].metrics[Split.VAL].get(metric)) for package in ranked),
        missing=missing,
        notes=notes,
    )


def choose_dataset(cards: Cards, params: NominateParams) -> tuple[str | None, tuple[str, ...]]:
    """The data set that decides, and what is to be told of the choice.

    Args:
        cards: Of detectors of whole slices, in the order of params.yaml.
        params: Names a data set, or leaves it to the order and the protocols.

    Returns:
        Its name, None when there are no cards; sentences.

    Raises:
        RegistryError: No detector of whole slices learnt from the data set that params name.
    """
    protocols = {card.dataset: card.protocol for card in cards.values()}  # in the order of params.yaml
    if params.dataset is not None and params.dataset not in protocols:
        raise RegistryError(
            "no detector of tampering in whole slices learnt from the data set that decides",
            where="nominate.dataset in params.yaml", received=params.dataset,
            remedy=f"choose among {', '.join(protocols) or 'none'}, or leave it out",
        )  # fmt: skip
    honest = [name for name, protocol in protocols.items() if not is_leaky(protocol)]
    chosen = params.dataset or next(iter(honest or protocols), None)
    notes = []
    if chosen and params.dataset is None and len(protocols) > 1:
        others = ", ".join(name for name in protocols if name != chosen)
        notes.append(f"{chosen} decides, not {others}: nominate.dataset in params.yaml chooses another")
    if chosen and is_leaky(protocols[chosen]):
        notes.append(
            f"the protocol of {chosen} is {protocols[chosen]}, which is leaky: "
            "promotion refuses this detector unless told --despite-leakage"
        )
    return chosen, tuple(notes)


def _make_challenger(number: int, registry: ModelRegistry) -> None:
    """Move the alias; a champion is its own challenger no more."""
    champion = registry.champion()
    registry.set_alias(Alias.CHALLENGER, None if champion and champion.number == number else number)


def _rank(package: Path, card: Card, metric: str) -> tuple[float, int, str]:
    value = card.metrics[Split.VAL].get(metric)
    return (-value if value is not None else 1.0, require_graph(package).stat().st_size, _name(card))


def _name(card: Card) -> str:
    return f"{card.detector} on {card.dataset}, seed {card.seed}"
