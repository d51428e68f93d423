"""Pictures that a stage left for every data set, with what their figures are worth; of private sets there are none."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from medfake.reports.parts import Part, Picture
from medfake.reports.sections.registry import ReportInput
from medfake.vocabulary import Evidence

Facts = TypeVar("Facts")


def dataset_pictures(
    given: ReportInput,
    kind: str,
    file: str,
    read: Callable[[Path], Facts],
    words: Callable[[str, Facts], tuple[str, str]],
) -> list[Part]:
    """A picture for each data set of the comparison that has one.

    Args:
        given: Its `reports` holds <kind>/<data set>/<file>.
        kind: Name of the folder.
        file: Name of the PNG.
        read: Facts about the picture, out of its folder.
        words: Of the data set's name and the facts: what the picture shows, and what stands beneath it.
    """
    pictures: list[Part] = []
    for name in given.comparison.datasets:
        folder = given.reports / kind / name
        if (folder / file).is_file():
            alt, caption = words(name, read(folder))
            evidence = given.comparison.of(name)[0].entry.evidence
            worth = "" if evidence is Evidence.CLINICAL else f" {evidence.sentence}"
            pictures.append(Picture(png=(folder / file).read_bytes(), alt=alt, caption=f"{caption}{worth}"))
    return pictures
