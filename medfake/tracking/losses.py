"""Loss curves of a run as rows for `dvc plots`, one row a point."""

from typing import Any, Final

from medfake.tracking.store import Store

_CURVES: Final = {"train_loss": "train", "val_loss": "validation"}  # metric of an epoch -> name of its curve
_DIGITS: Final = 6  # what differs between processors lies behind them


def loss_points(store: Store, run_id: str | None) -> list[dict[str, Any]]:
    """Loss by epoch of a training, epochs before a restart included.

    Args:
        store: That has the run.
        run_id: Of the training; None for one that was logged nowhere.

    Returns:
        Rows of curve ("train" or "validation"), epoch (from 1) and loss, curve by curve; a model that knows no epochs
        has one point, of validation.
    """
    if run_id is None:
        return []
    with store.session() as client:
        found = {
            (name, point.step): round(point.value, _DIGITS)  # of an epoch that was done twice, the later one
            for metric, name in _CURVES.items()
            for point in client.get_metric_history(run_id, metric)
        }
    return [{"curve": name, "epoch": epoch, "loss": loss} for (name, epoch), loss in sorted(found.items())]
