"""Places of a bank as batches for a judge: balanced, and more and more of those that it gets wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.dense.statistics import PlaceStatistics
from medfake.training.phase import Batch

BLENDED: Final = "blend"
_BLENDED_WEIGHT: Final = 3
"""Pseudo-fakes without any change of content are drawn so much more often than any one manipulation."""
_KINDS: Final = {"forged": 0.4, "twin": 0.3, "untouched": 0.3}
"""Where untouched places are drawn from: around sites, at sites before they were manipulated, and whole slices."""
_SCORED_AT_ONCE: Final = 8192

Rows = NDArray[np.int64]


@dataclass
class PlaceBatches:
    """Batches of places, drawn anew every epoch.

    Attributes:
        statistics: Of the patients that are learnt from.
        judge: The network in training, asked which untouched places it takes for tampered.
        first_epoch: Number of its first epoch.
        hard: Untouched places among which half of an epoch's are drawn; empty before the first look.
    """

    statistics: PlaceStatistics
    judge: Any
    options: ResidualStatisticsOptions
    rng: Generator
    first_epoch: int = 0
    hard: Rows = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        """Sort places by what they are drawn by."""
        places = self.statistics.places
        tampered = places[places.label == 1]
        self._sites = [
            [np.asarray(rows) for rows in group.groupby("site").indices.values()]
            for _, group in tampered.reset_index().groupby("manipulation")
        ]
        self._site_rows = [group.index.to_numpy() for _, group in tampered.groupby("manipulation")]
        weights = np.array([
            _BLENDED_WEIGHT if (group.family == BLENDED).all() else 1.0 for _, group in tampered.groupby("manipulation")
        ])  # fmt: skip
        self._manipulations = weights / weights.sum()
        untouched = places[places.label == 0]
        self._untouched = untouched.index.to_numpy()
        self._untouched_weights = _weights_by_patient(untouched)
        groups = untouched.reset_index().groupby(["number", "degraded"])["index"]
        self._slices = [rows.to_numpy() for _, rows in groups]

    def epoch(self, number: int) -> Iterator[Batch]:
        """Half tampered, half untouched places; every few epochs the hardest untouched ones are looked for."""
        options = self.options
        since = number - self.first_epoch - options.hard_from
        if since >= 0 and since % options.hard_every == 0:
            self.hard = self._hardest()
        half = options.places // 2
        rows = np.concatenate([self._draw_tampered(half), self._draw_untouched(options.places - half)])
        labels = np.repeat([1.0, 0.0], [half, options.places - half]).astype(np.float32)
        labels = np.repeat(labels[:, None], options.members, axis=1)
        order = self.rng.permutation(len(rows))
        for at in range(0, len(order), options.batch_size):
            chosen = order[at : at + options.batch_size]
            yield self.statistics.features[rows[chosen]].astype(np.float32), labels[chosen]

    def position(self) -> Mapping[str, Any]:
        """State of the generator, and the hard places."""
        return {"rng": self.rng.bit_generator.state, "hard": self.hard.tolist()}

    def restore(self, position: Mapping[str, Any]) -> None:
        """Draw on from there."""
        self.rng.bit_generator.state = position["rng"]
        self.hard = np.array(position["hard"], np.int64)

    def _draw_tampered(self, count: int) -> Rows:
        """Manipulations alike, blended ones more; then sites alike, then places."""
        chosen = self.rng.choice(len(self._sites), size=count, p=self._manipulations)
        sites = [self._sites[one] for one in chosen]
        picked = [site[self.rng.integers(len(site))] for site in sites]
        return np.array(
            [
                self._site_rows[one][rows[self.rng.integers(len(rows))]]
                for one, rows in zip(chosen, picked, strict=True)
            ],
            np.int64,
        )

    def _draw_untouched(self, count: int) -> Rows:
        easy = self.rng.choice(
            self._untouched, size=count - (count // 2 if len(self.hard) else 0), p=self._untouched_weights
        )
        return np.concatenate([easy, self.rng.choice(self.hard, size=count - len(easy))]) if len(self.hard) else easy

    def _hardest(self) -> Rows:
        """The untouched places of some slices that look most tampered there: what a manipulated one has to beat."""
        drawn = [self._slices[one] for one in self.rng.permutation(len(self._slices))[: self.options.hard_slices]]
        rows, owners = np.concatenate(drawn), np.repeat(np.arange(len(drawn)), [len(one) for one in drawn])
        features = self.statistics.features
        batches = [rows[at : at + _SCORED_AT_ONCE] for at in range(0, len(rows), _SCORED_AT_ONCE)]
        logits = np.concatenate(
            [np.asarray(self.judge(features[some].astype(np.float32))).mean(axis=1) for some in batches]
        )
        order = np.lexsort((-logits, owners))
        rank = np.arange(len(order)) - np.searchsorted(owners[order], owners[order])
        return np.asarray(rows[order[rank < self.options.hard_places]])


def _weights_by_patient(places: pd.DataFrame) -> NDArray[np.float64]:
    """Chance of every place: kinds in their shares, patients by the root of how many places they have."""
    chance = np.zeros(len(places))
    for kind, share in _KINDS.items():
        own = (places.kind == kind).to_numpy()
        counts = places.patient_id[own].map(places.patient_id[own].value_counts()).to_numpy(dtype=float)
        if own.any():
            weights = 1 / np.sqrt(counts)
            chance[own] = share * weights / weights.sum()
    normed: NDArray[np.float64] = chance / chance.sum()
    return normed
