"""Pictures of what a detector looks at in scans: the strongest slices of each, under its map."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.explain.registry import ExplainedPackage, choose_explanation
from medfake.files import path_text
from medfake.outputs import json_format
from medfake.progress import track
from medfake.serving.find import find_scans
from medfake.serving.model import Model, describe
from medfake.serving.pictures import Pictures, SliceExplained, draw
from medfake.serving.report import SkippedFile
from medfake.serving.score import score_series

JSON_OUTPUT = json_format("a report of explanations", frozenset({"model", "method", "says", "slices", "skipped"}))


@dataclass(frozen=True)
class ExplanationReport:
    """What was explained, and what could not be.

    Attributes:
        model: As in a scan report.
        method: Name of the explanation.
        says: What its maps show, a clause.
        slices: Strongest first, scan by scan.
    """

    model: dict[str, object]
    method: str
    says: str
    slices: tuple[SliceExplained, ...]
    skipped: tuple[SkippedFile, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self)


def explain_paths(
    paths: list[Path], model: Model, out: Path, *, method: str | None = None, slices: int = 3, jobs: int = 1
) -> ExplanationReport:
    """Explain the strongest slices of every CT series below some paths.

    Args:
        paths: Folders or files.
        model: From `open_model`.
        out: Folder for the pictures, named by pseudonym and slice number; those of earlier calls are replaced.
        method: Name of an explanation; None for the one that fits the detector.
        slices: Of each scan, at most.
        jobs: Processes that read headers.

    Raises:
        ScanError: A path is missing.
        OutputRefusedError: `out` is a file, or holds a file of a picture's name that is none of ours.
        MedfakeError: The detector cannot be explained so.
    """
    pictures = Pictures(out, "--out", model.folder, method, slices)
    pictures.check()
    series, left_out = find_scans(paths, jobs)
    skipped = [SkippedFile(path_text(one.path), one.reason) for one in left_out]
    model = model.suited_to(series)
    package = ExplainedPackage(model.folder, model.scorer)
    chosen = choose_explanation(package, method)
    explain = chosen.open(package) if series else None
    key, explained = pseudonym_key("private"), list[SliceExplained]()
    for one in track(series, "explaining scans", len(series)):
        scored, broken = score_series(one, model)
        skipped += broken
        if scored and explain:
            scan_id = pseudonym(one.identity, key, "scan")
            explained += draw(scored, scan_id, explain, pictures)
    return ExplanationReport(describe(model), chosen.name, chosen.says, tuple(explained), tuple(skipped))
