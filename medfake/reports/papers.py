"""Whose tables are shipped, what a data set may be set beside, and what must be known of each paper's figures."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from medfake.by_name import did_you_mean
from medfake.config import Params, PublishedParams
from medfake.errors import ConfigError

LABEL: Final = "paper"
LEAKY_LABEL: Final = "paper (leaky replica protocol)"
MULTICLASS: Final = "multiclass"
"""Setting of Solaiyappan and Wen's Table 7."""

Row = Mapping[str, str]


@dataclass(frozen=True)
class Paper:
    """A paper whose tables are shipped.

    Attributes:
        name: As `published.paper` in params.yaml has it.
        cited: Authors and where it is.
        leaky: Whether, by its own account, slices of one patient may be on both sides of its split.
        notes: What must be known before its figures are set beside others, a sentence each.
    """

    name: str
    cited: str
    leaky: bool
    notes: tuple[str, ...]

    @property
    def label(self) -> str:
        """What its figures are called."""
        return LEAKY_LABEL if self.leaky else LABEL


PAPERS: Final[Mapping[str, Paper]] = {
    one.name: one
    for one in (
        Paper(
            "alsabbagh",
            "Alsabbagh & Al-Kadi, TR-01,23",
            leaky=True,
            notes=(
                "Table 1: one run, no interval.",
                "Its fractions are those of 373 test slices, 177 real and 196 tampered: an unstratified draw.",
                "It took ten neighbours of each labelled slice and real slices at random, with no rule by patient.",
                "So neighbours of a tested slice may have been learnt.",
                "Their networks give P(real) and call a slice real from 0.5 on; their positive class is real.",
                "Table 2: mean ± standard deviation of three runs; Table 3: of ten inference steps on a T4.",
            ),
        ),
        Paper(
            "solaiyappan",
            "Solaiyappan & Wen 2022",
            leaky=False,
            notes=(
                "It prints no interval, and does not say how patients were dealt to its 85:15 split.",
                "The row of VGG19 in Table 4 lost its order in the text that figures were taken from, so it is empty.",
            ),
        ),
        Paper(
            "shree",
            "Shree et al.",
            leaky=False,
            notes=(
                "Its figures are of one network, on the paper's own chest CT and on 500 DCGAN images; no interval.",
                "It does not say which classes its networks tell apart; here: slices with a nodule and without.",
                "It prints no figure of the other three networks, no split and no sizes.",
            ),
        ),
    )
}


def read_table(name: str) -> list[dict[str, str]]:
    """Read one of the shipped tables as printed.

    Args:
        name: File name without ending, e.g. "alsabbagh_table1".
    """
    text = files("medfake.reports").joinpath("published_figures", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def settings_of(paper: str) -> tuple[str, ...]:
    """What a paper ran apart, as its tables name it, in their order; empty where it has one setting."""
    if paper != "solaiyappan":
        return ()
    named = [row["setting"] for table in ("solaiyappan_binary", "solaiyappan_delocalized") for row in read_table(table)]
    return (*dict.fromkeys(named), MULTICLASS)


def require_published(params: Params) -> None:
    """Check that what data sets are set beside is there.

    Raises:
        ConfigError: No paper has this name, or the paper has no such setting; near matches are told.
    """
    for name, dataset in params.datasets.items():
        if dataset.published is not None:
            _require(dataset.published, f"datasets.{name}.published")


def _require(wanted: PublishedParams, key: str) -> None:
    if wanted.paper not in PAPERS:
        raise _unknown(f"{key}.paper", wanted.paper, tuple(PAPERS))
    known = settings_of(wanted.paper)
    if wanted.setting is None and known:
        raise ConfigError(
            f"missing key {key}.setting: {wanted.paper} has several", where="params.yaml",
            remedy=f"choose one of {', '.join(known)}",
        )  # fmt: skip
    if wanted.setting is not None and wanted.setting not in known:
        raise _unknown(f"{key}.setting", wanted.setting, known)


def _unknown(key: str, value: str, known: tuple[str, ...]) -> ConfigError:
    remedy = f"choose one of {', '.join(known)}" if known else "leave it out: this paper has one setting"
    return ConfigError(
        f"{key} = {value!r}: the shipped tables have none of that name{did_you_mean(value, known)}",
        where="params.yaml", remedy=remedy,
    )  # fmt: skip
