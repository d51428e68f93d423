"""Does it load and answer where medfake is not installed?"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from medfake.package.card import ONNX_FILE
from medfake.registry.gates.gate import Case, Ruling, gate
from medfake.registry.stored_files import NOMINATE_AGAIN

if TYPE_CHECKING:
    from medfake.registry.clean_process import Loaded

_LARGEST_DIFFERENCE = 1e-6  # the same graph, the same library
_LAST = 4


@gate("loads")
def loads_by_itself(case: Case) -> Ruling:
    """Load the stored model in a fresh process that has no medfake, score its input example, and compare with here.

    `mlflow models serve` and other people's programs do just that. Its code is run only where it is known to be what
    was registered, which versions of old do not say. No flag overrules it: what does not load cannot serve.
    """
    from medfake.package.scorer import Scorer
    from medfake.registry.registration import input_example

    if not case.challenger.files:
        said = "it was not loaded: its registration kept no digest of its code, which is not run unseen"
        return case.unmeasured(said, f"register it anew: {NOMINATE_AGAIN}")
    files = tuple(sorted(case.challenger.files.items()))
    found = _loaded(case.package.parent, files, case.params.load_s)
    if found.failed:
        return Ruling(False, f"it does not load in a process of its own: {found.failed}", NOMINATE_AGAIN)
    here = Scorer(case.package / ONNX_FILE).score(input_example(case.package)).p_tampered
    difference = float(abs(found.p_tampered - here).max())
    if difference <= _LARGEST_DIFFERENCE:
        return Ruling(True, f"it loads and answers in a process without medfake, in {found.seconds:.1f} s")
    return Ruling(
        False, f"in a process without medfake its scores differ by {difference:.1e} from those here", NOMINATE_AGAIN
    )


@lru_cache(maxsize=_LAST)
def _loaded(model: Path, files: tuple[tuple[str, str], ...], patience_s: float) -> "Loaded":  # noqa: ARG001  # files tell one state of the folder from another
    """Once for a version that is judged anew, because somebody else's decision came between."""
    from medfake.registry.clean_process import load_and_score

    return load_and_score(model, patience_s)
