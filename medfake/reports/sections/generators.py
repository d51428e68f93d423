"""Generators of whole slices: samples beside real slices, losses, distance, and what was learnt by heart."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from medfake.files import read_json
from medfake.generators.stored import facts_of
from medfake.remedies import Stage, make, rerun
from medfake.reports.drawing import DASHES, MUTED, SERIES, draw, legend
from medfake.reports.parts import Cell, Details, Drawing, Part, Picture, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import number_text
from medfake.vocabulary import Evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FACTS, _GRID = "generator.json", "samples.png"
_LEARNT_BY_HEART: Final = 0.2
"""Share of samples closer to a learnt slice than 95 % of real ones to another patient's, from which it is said."""
_HOW: Final = (
    "Features: energies of 16 Gabor filters in 16 parts of the slice, and the brightness of 64 parts; nothing of them "
    "is learnt. KID (Binkowski et al. 2018) is the unbiased squared kernel distance to slices of the validation split, "
    "FID (Heusel et al. 2017) the Fréchet distance on 32 principal components. On other features, such as Inception's, "
    "both would be other numbers. The test split was not looked at; but which weights are kept was chosen on the same "
    "slices of validation, so that distances flatter a little."
)


@section("generators", order=48)
def generators(given: ReportInput) -> Section | None:
    """Of every generator of the study that stage `generate` has trained; None where there is none."""
    parts: list[Part] = []
    for name in given.params.generators:
        folder = given.reports / "generators" / name
        if (folder / _FACTS).is_file():
            facts = read_json(
                folder / _FACTS, facts_of, missing="the generator was not made", damaged="the generator is not whole",
                make=make(Stage.GENERATE, name), again=rerun(Stage.GENERATE, name),
            )  # fmt: skip
            parts += _parts(name, facts, folder)
    return Section(heading="Generated slices", nav="Generators", parts=parts) if parts else None


def _parts(name: str, facts: Mapping[str, Any], folder: Path) -> Iterator[Part]:
    yield _finding(name, facts)
    yield Evidence(facts["evidence"]).sentence
    if (folder / _GRID).is_file():
        epoch = facts["epoch_of_kept_weights"]
        yield Picture(
            png=(folder / _GRID).read_bytes(),
            alt=f"Samples of {name} on the left, without and with a nodule in turn; real slices on the right.",
            caption=f"Left: samples of {name} after epoch {epoch}, none chosen, without and with a nodule in turn. "
            "Right: slices that it learnt from.",
        )
    else:
        yield f"There are no pictures of {name}: it learnt from scans of private patients, and may show parts of them."
    yield _losses(name, facts["curves"])
    yield _distances(name, facts)
    yield _table(name, facts)
    yield Details(summary="How distances are measured", parts=[_HOW])


def _finding(name: str, facts: Mapping[str, Any]) -> str:
    """How far samples are from real slices, what stopped the training, and whether samples are copies."""
    distance, nearest = facts["distance"], facts["nearest"]
    floor = distance["kid_floor"]
    beside = "" if floor is None else f"; two halves of the real patients are {number_text(floor)} apart"
    found = (
        f"{name} learnt from {facts['learnt_from']['slices']} slices of {facts['learnt_from']['patients']} patients, "
        f"and its samples are {number_text(distance['kid'])} from slices of other patients (KID on "
        f"{distance['features']}){beside}."
    )
    if facts["stopped"]:
        found += (
            f" Its training was stopped after {facts['epochs_done']} of {facts['plan']['epochs']} epochs, because "
            f"{facts['stopped']}; the weights of epoch {facts['epoch_of_kept_weights']} are kept."
        )
    if nearest["closer"] is not None and nearest["closer"] > _LEARNT_BY_HEART:
        found += (
            f" {nearest['closer']:.0%} of its samples are closer to a slice that it learnt from than 95 % of real "
            "slices are to one of another patient: parts were learnt by heart."
        )
    return found


def _losses(name: str, curves: list[Mapping[str, Any]]) -> Drawing:
    """Of epochs that had some: one that diverged may end without."""
    curves = [row for row in curves if None not in (row["generator_loss"], row["discriminator_loss"])]
    epochs = [row["epoch"] for row in curves]

    def paint(axes: "Axes") -> None:
        for kind, colour, dash in zip(("generator", "discriminator"), SERIES, DASHES, strict=False):
            axes.plot(epochs, [row[f"{kind}_loss"] for row in curves], color=colour, linestyle=dash, label=kind)
        axes.set(xlabel="epoch", ylabel="loss")
        axes.set_ylim(bottom=0)
        legend(axes, "Loss")

    last = curves[-1]
    return Drawing(
        svg=draw(paint, (4.2, 3.2), f"losses {name}"),
        alt=f"Losses of both networks over {len(curves)} epochs; at the end {last['generator_loss']:.2f} of the "
        f"generator and {last['discriminator_loss']:.2f} of the discriminator.",
        caption=f"{name}: losses of both networks, means of an epoch. Neither needs to fall.",
    )


def _distances(name: str, facts: Mapping[str, Any]) -> Drawing:
    looks = [row for row in facts["curves"] if row.get("kid") is not None]
    floor, kept = facts["distance"]["kid_floor"], facts["epoch_of_kept_weights"]

    def paint(axes: "Axes") -> None:
        axes.plot([row["epoch"] for row in looks], [row["kid"] for row in looks], color=SERIES[0], label="samples")
        if floor is not None:
            axes.axhline(floor, color=MUTED, linestyle=DASHES[1], label="halves of the real patients")
        axes.axvline(kept, color=MUTED, linestyle=":", linewidth=1, label="weights that are kept")
        axes.set(xlabel="epoch", ylabel="KID")
        axes.set_yscale("symlog", linthresh=max(abs(floor or 1.0), 1e-3))  # unbiased distances may fall below 0
        axes.set_ylim(bottom=min(0.0, floor or 0.0, *(row["kid"] for row in looks)))
        legend(axes, "Distance to held-out slices")

    told = ", ".join(f"{row['kid']:.3g} after {row['epoch']}" for row in looks[:: max(1, len(looks) // 6)])
    return Drawing(
        svg=draw(paint, (4.2, 3.2), f"distance {name}"),
        alt=f"KID of samples to held-out slices by epoch: {told}.",
        caption=f"{name}: KID of {facts['distance']['samples']} samples at every look.",
    )


def _table(name: str, facts: Mapping[str, Any]) -> Table:
    distance, nearest = facts["distance"], facts["nearest"]
    rows = (
        ("KID to held-out slices", distance["kid"], "0 for slices of the same kind, and a little below by chance"),
        ("KID between halves of the real patients", distance["kid_floor"], "how far patients differ anyway"),
        ("FID to held-out slices", distance["fid"], "0 for slices of the same kind"),
        ("Distance between two samples", distance["spread"], "share of that between two real slices"),
        ("Nearest learnt slice, of samples", nearest["generated"], "median"),
        ("Nearest slice of another patient, of real ones", nearest["real"], "median"),
        ("Samples closer than real ones are", nearest["closer"], "share; 0.05 where nothing was learnt by heart"),
    )  # fmt: skip
    return Table(
        caption=f"Samples of {name}, on {distance['features']}.",
        head=["Figure", "Value", "Means"],
        rows=[[what, Cell(number_text(value), value), means] for what, value, means in rows],
    )
