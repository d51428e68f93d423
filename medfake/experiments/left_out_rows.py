"""What can be left out of a bank in turn: families of manipulations, and makers of scanners."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from medfake.errors import ManifestError, SourceError
from medfake.experiments.unseen import Unseen
from medfake.remedies import Stage, rerun
from medfake.reports.leave_out import NOTHING
from medfake.tamper.bank import Bank
from medfake.tamper.learned import LEARNED

LEARNED_ONES: Final = "learned"
"""Row of manipulations by learned inpainters, which are of other families, too."""
NOT_NAMED: Final = "not named"
"""Maker of scanners that name none."""

Members = Mapping[str, tuple[str, ...]]
"""Name of a row -> manipulations, or makers as the bank spells them."""


@dataclass(frozen=True)
class LeftOutRows:
    """Rows of the tables, beside the one that leaves out nothing but patients.

    Attributes:
        families: Manipulations by family; empty where families are not left out.
        makers: Spellings by maker; likewise.
    """

    families: Members
    makers: Members

    def unseen(self, patients: frozenset[str]) -> dict[str, Unseen]:
        """Trainings by `family_row`, `maker_row` or "nothing", all of them without some patients."""
        return {
            NOTHING: Unseen(patients),
            **{family_row(name): Unseen(patients, manipulations=own) for name, own in self.families.items()},
            **{maker_row(name): Unseen(patients, scanners=own) for name, own in self.makers.items()},
        }


def family_row(name: str) -> str:
    """Name of the training that has not seen a family; a maker may be called as a family."""
    return f"family {name}"


def maker_row(name: str) -> str:
    """Name of the training that has not seen a maker's scanners."""
    return f"maker {name}"


def maker(manufacturer: str) -> str:
    """Maker of a scanner as one word, e.g. "GE" for "GE MEDICAL SYSTEMS", so that spellings of one maker are one."""
    words = manufacturer.split()
    return words[0].upper() if words else NOT_NAMED


def families_of(bank: Bank) -> Members:
    """Families of a bank with their manipulations, and the learned ones once more by themselves.

    Raises:
        SourceError: There is but one family.
    """
    sites = bank.sites
    found = {str(family): tuple(sorted(set(own.manipulation))) for family, own in sites.groupby("family")}
    if len(found) < 2:
        raise SourceError(
            "a family can be left out only of a bank that has several", where=bank.folder,
            received="; ".join(f"{name}: {', '.join(own)}" for name, own in found.items()) or "no manipulated place",
            remedy=f"add manipulations of other families to banks.{bank.folder.name}.manipulations and run "
            "`dvc repro bank`, or pass --over scanners",
        )  # fmt: skip
    learned = tuple(name for name in sorted(set(sites.manipulation)) if name in LEARNED)
    return found | ({LEARNED_ONES: learned} if learned else {})


def makers_of(bank: Bank) -> Members:
    """Makers of a bank's scanners; slices that name none belong to no row.

    Raises:
        ManifestError: The bank does not tell makers.
        SourceError: There is but one.
    """
    if "manufacturer" not in bank.slices:
        raise ManifestError(
            "the bank does not say who made its scanners: slices.parquet has no column manufacturer",
            where=bank.folder, remedy=f"{rerun(Stage.BANK)}, or pass --over families",
        )  # fmt: skip
    found: dict[str, set[str]] = {}
    for spelled in sorted(set(bank.slices.manufacturer)):
        found.setdefault(maker(spelled), set()).add(spelled)
    found.pop(NOT_NAMED, None)
    if len(found) < 2:
        raise SourceError(
            "a maker of scanners can be left out only of a bank that has scans of several", where=bank.folder,
            received=", ".join(found) or "no scan that names its maker",
            remedy=f"add scans of another maker to banks.{bank.folder.name}.reals and run `dvc repro bank`, or pass "
            "--over families",
        )  # fmt: skip
    return {name: tuple(sorted(own)) for name, own in found.items()}


def makers_of_patients(bank: Bank) -> dict[str, str]:
    """Patient -> maker, of patients whose scans are of one maker."""
    makers = bank.slices.manufacturer.map(maker).groupby(bank.slices.patient_id).agg(set)
    return {str(patient): next(iter(own)) for patient, own in makers.items() if len(own) == 1}
