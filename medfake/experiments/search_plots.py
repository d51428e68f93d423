"""Optuna's own plots of a search, as files: how it went, and which options mattered."""

import math
import warnings
from pathlib import Path
from typing import Any, Final

HISTORY_FILE: Final = "history.png"
IMPORTANCES_FILE: Final = "importances.png"

_FEWEST_TRIALS: Final = 5  # of fewer, a forest on options and values learns nothing
_FEWEST_OPTIONS: Final = 2  # a single one is all that matters
_DPI: Final = 120
_SEED: Final = 1


def write_plots(study: Any, objective: str, folder: Path) -> list[str]:
    """Draw a search with Optuna.

    Args:
        study: optuna.Study.
        objective: Its name, for the axis.
        folder: Where the files are written.

    Returns:
        Names of the files: `HISTORY_FILE`, and `IMPORTANCES_FILE` (fANOVA) where importances are defined, which takes
        five finished trials of different values and two options that varied; none where no trial has ended.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    from optuna.importance import FanovaImportanceEvaluator
    from optuna.trial import TrialState
    from optuna.visualization import matplotlib as drawn

    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return []
    mpl.use("agg")  # draws into files wherever there is no screen
    written = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna marks its plots experimental
        axes = drawn.plot_optimization_history(study, target_name=objective)
        written.append(_saved(axes, folder / HISTORY_FILE))
        if importances_are_defined(study):
            axes = drawn.plot_param_importances(
                study, evaluator=FanovaImportanceEvaluator(seed=_SEED), target_name=objective
            )
            written.append(_saved(axes, folder / IMPORTANCES_FILE))
    plt.close("all")
    return written


def importances_are_defined(study: Any) -> bool:
    """Whether enough trials ended, with values and options that vary."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    values = {trial.value for trial in trials if math.isfinite(trial.value)}
    tried = {name: {trial.params.get(name) for trial in trials} for trial in trials for name in trial.params}
    varied = [name for name, choices in tried.items() if len(choices) > 1]
    return len(trials) >= _FEWEST_TRIALS and len(values) > 1 and len(varied) >= _FEWEST_OPTIONS


def _saved(axes: Any, path: Path) -> str:
    axes.figure.set_size_inches(7, 4.5)
    axes.figure.savefig(path, dpi=_DPI, bbox_inches="tight", metadata={"Software": None})
    return path.name
