"""Loss curves of a run, for DVC."""

import pytest

from medfake.config import TrackingParams
from medfake.tracking.losses import loss_points
from medfake.tracking.runs import training_run
from medfake.tracking.store import Store


def test_a_training_has_two_curves_by_epoch_and_what_was_done_twice_counts_once(tracking: TrackingParams) -> None:
    store = Store(tracking)
    with training_run(store, "a run", {}, {}) as run:
        for epoch, loss in ((1, 0.9), (2, 0.8), (2, 0.7000001)):
            run.log_epoch(epoch, {"train_loss": loss / 2, "val_loss": loss, "cv_accuracy": 0.5})
    points = loss_points(store, run.run_id)
    assert [(one["curve"], one["epoch"]) for one in points] == [
        (curve, epoch) for curve in ("train", "validation") for epoch in (1, 2)
    ]
    assert points[-1]["loss"] == pytest.approx(0.7)


def test_a_training_that_was_logged_nowhere_has_none(no_store: TrackingParams) -> None:
    assert loss_points(Store(no_store), None) == []
