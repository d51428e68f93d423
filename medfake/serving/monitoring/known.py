"""What to compare served scans with where a package does not say: scans of a folder, or the first that were served."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from medfake.datasets.pseudonyms import pseudonym_key
from medfake.files import path_text, sha256_file
from medfake.package.card import ONNX_FILE
from medfake.package.reference import Reference, make_reference
from medfake.progress import track
from medfake.serving.find import find_scans
from medfake.serving.model import Model
from medfake.serving.monitoring.served import ServedScan, served_scan
from medfake.serving.report import SkippedFile, nothing_to_score
from medfake.serving.score import score_series
from medfake.serving.verdict import judge


def graph_of(model: Model) -> str:
    """SHA-256 of its detector.onnx."""
    return sha256_file(model.folder / ONNX_FILE)


def reference_of_folder(paths: Sequence[Path], model: Model, jobs: int = 1) -> tuple[Reference, list[SkippedFile]]:
    """Score the scans below some paths whole and put them together.

    Args:
        paths: Folders or files of untampered scans, of patients that the detector has not learnt from.
        model: From `open_model`.
        jobs: Processes that read headers.

    Returns:
        The reference, and the files that are in none of its scans.

    Raises:
        ScanError: A path is missing, or nothing there could be scored.
    """
    series, left_out = find_scans(paths, jobs)
    skipped = [SkippedFile(path_text(one.path), one.reason) for one in left_out]
    key, scans = pseudonym_key("private"), list[ServedScan]()
    for one in track(series, "scoring scans", len(series)):
        scored, broken = score_series(one, model)
        skipped += broken
        if scored:
            scans.append(served_scan(scored, judge(scored, model.card, key), model))
    if not scans:
        raise nothing_to_score(paths, Counter(one.reason for one in skipped), model.card.modality)
    of = f"{len(scans)} scans of a folder, scored whole"
    return reference_of_served(scans, of, graph_of(model)), skipped


def reference_of_served(scans: Sequence[ServedScan], of: str, graph: str) -> Reference:
    """Put scans together that were scored whole.

    Args:
        scans: At least one.
        of: Which they are, a clause.
        graph: SHA-256 of the detector.onnx that scored them.
    """
    values = [{**one.numbers, **one.words} for one in scans]
    return make_reference(values, [], of=of, evidence=None, whole=True, graph=graph)
