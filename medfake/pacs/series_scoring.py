"""One series in a scoring process: judged scan by scan, and turned into objects for the PACS.

Whatever is written has its name only when it is whole, and is on the disk for good: first the objects, then
`judged.json`, which says that all is there. A process that is killed leaves at most what the next one makes anew, and a
machine that loses power loses nothing whose source is gone.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.dicom.series import Series
from medfake.errors import DicomError, MedfakeError, ScanError, StorageError
from medfake.files import in_a_word, replace_folder, sha256_file
from medfake.logs import redact
from medfake.pacs.arrivals import FOLDER_OF_FILES
from medfake.pacs.judged import GRAVITY, JUDGED, RESULTS, Judged, Order, read_judged, read_order
from medfake.pacs.results.build import build_results, file_bytes
from medfake.pacs.results.judgement import Finding, Judgement
from medfake.pacs.results.uids import RESULTS_SCHEMA
from medfake.pacs.rules import route_of
from medfake.pacs.settings import Route
from medfake.serving.calibration import calibrated, read_calibration
from medfake.serving.model import Model
from medfake.serving.monitoring.served import served_scan
from medfake.serving.report import why_skipped
from medfake.serving.score import score_series
from medfake.serving.scoring import job_files
from medfake.serving.scoring.detectors import package_digest
from medfake.serving.scoring.job_files import LeftOut, Received, read_bad
from medfake.serving.scoring.job_series import series_of_job
from medfake.serving.scoring.worker_messages import Start
from medfake.serving.suited import why_unsuited
from medfake.serving.verdict import Scored, judge

KEY_DIGITS: Final = 32


class SeriesScoring:
    """One arrival of a series.

    Args:
        folder: Of the series.
        model: To score with.
        digest: Of the package that was opened.
        limits: How much is taken.
        tell: Tells the program what happens, in the fields of `Told`.
    """

    def __init__(self, folder: Path, model: Model, digest: str, limits: Start, tell: Callable[..., object]) -> None:
        self._folder, self._model, self._digest, self._limits, self._tell = folder, model, digest, limits, tell
        self._files = folder / FOLDER_OF_FILES
        self._skipped: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._decoded_bytes = self._slices_done = 0

    def run(self) -> None:
        """Judge it, unless that was done before.

        Raises:
            StorageError: Its order is missing, or some of its files are.
            ScanError: There is no verdict, as scoring processes did not survive what it is of.
            OSError: The disk is full.
        """
        judged = read_judged(self._folder) or self._judged()
        judged.write(self._folder / JUDGED)
        self._tell(done=True, skipped=dict(self._skipped))

    def _judged(self) -> Judged:
        order = read_order(self._folder)
        names = sorted(path.name for path in self._files.glob("*.dcm"))
        _require_all(names, order)
        received = [Received(name, name) for name in names]
        series, left_out = series_of_job(self._files, received, read_bad(self._folder), self._limits, self._tell)
        self._leave_out(left_out)
        today = datetime.now(UTC).date()
        routed = [(one, route_of(order.routes, order.caller, one, today)) for one in series]
        key = self._key(names, [route for _, route in routed])
        modality = str(series[0].modality) if series else ""
        if key in order.judged_keys:
            return Judged(key=key, modality=modality, reason="it came before as it is, and was judged then")
        model = self._model.suited_to(series)
        self._tell(scans=len(series), slices=sum(len(one.headers) for one in series), model=model.name)
        scans = [scan for one, route in routed if (scan := self._scan(one, route, model, order))]
        bad = read_bad(self._folder)
        if not scans and (bad.files or bad.scans):
            raise ScanError("no scoring process survives this series", remedy="medfake pacs retry ID")
        with replace_folder(self._folder / RESULTS) as results:
            objects = [made for scan in scans for made in scan.objects]
            for number, made in enumerate(objects):
                (results / f"{number:04d}.dcm").write_bytes(file_bytes(made))
            job_files.synced(results)
        job_files.synced_name(self._folder / RESULTS)
        gravest = min(scans, key=lambda scan: (GRAVITY.index(scan.verdict), -scan.p_tampered), default=None)
        return Judged(
            key=key, objects=len(objects), results_key=_results_key(objects), modality=modality, reason=self._reason(),
            verdict=gravest.verdict if gravest else None, p_tampered=gravest.p_tampered if gravest else None,
            pixels={name: digest for scan in scans for name, digest in scan.pixels.items()},
            other_pixels=sum(scan.other_pixels for scan in scans),
        )  # fmt: skip

    def _scan(self, series: Series, route: Route, model: Model, order: Order) -> "_Scan | None":
        """Judge one scan and make its objects; None where there is nothing to say of it."""
        key = pseudonym_key("private")
        scan_id = pseudonym(series.identity, key, "scan")
        bad = read_bad(self._folder).scans
        if scan_id in bad:
            self._pass_over(series, scan_id, bad[scan_id])
            return None
        if not route.scan:
            self._pass_over(series, scan_id, f"the route {route.name!r} of pacs.yaml judges none of its series")
            return None
        self._tell(scan=scan_id)
        model, calibration_fault = _with_thresholds(model, route)
        digests: list[str] = []

        def digest(pixels: NDArray[np.int16]) -> None:
            self._decoded_bytes += pixels.nbytes
            if self._decoded_bytes > self._limits.expanded_bytes:
                raise ScanError("the decoded slices of this series are more than is taken")
            digests.extend(_digest_of(one) for one in pixels)
            self._slices_done += len(pixels)
            self._tell(scan=scan_id, slices_done=self._slices_done)

        scored, broken = score_series(series, model, digest, lambda path: self._tell(file=path.name, scan=scan_id))
        kind = "pixels" if why_unsuited(series, model.card) is None else "UnsupportedImage"
        self._leave_out([LeftOut(one.path, one.reason, kind) for one in broken])
        if scored is None:
            self._tell(scan=scan_id, scored="", slices_done=self._slices_done)
            return None
        verdict = judge(scored, model.card, key)
        said = served_scan(scored, verdict, model).as_json()
        pixels = {
            pseudonym(f"{header.sop_uid}|{header.frame}", key, "image", KEY_DIGITS): one
            for header, one in zip(scored.headers, digests, strict=True)
        }
        other = sum(order.pixels.get(name, one) != one for name, one in pixels.items())
        apart = len(order.pixels.keys() - pixels.keys())
        beside = self._beside(order, other, apart, calibration_fault)
        verdict = replace(verdict, warnings=(*beside, *verdict.warnings))
        package = self._digest if model.folder == self._model.folder else package_digest(model.folder)
        made = Judgement(
            scored, verdict, model, package, _digest_of_all(scored, digests), datetime.now(UTC).astimezone(),
            model.calibration.sentence if model.calibration else "",
            (Finding.SAME_UIDS_OTHER_PIXELS,) if other else (),
        )  # fmt: skip
        try:
            objects = build_results(made, route.results)
        except MedfakeError as error:  # a verdict is not lost because no object can say it
            reason = error.reason if isinstance(error, DicomError) else error.what
            self._reasons[f"no result could be made: {redact(reason)}"] += 1
            objects = ()
        self._tell(scan=scan_id, scored=verdict.verdict, said=said, slices_done=self._slices_done)
        return _Scan(verdict.verdict, verdict.p_tampered, objects, pixels, other)

    def _beside(self, order: Order, other_pixels: int, apart: int, calibration_fault: str) -> list[str]:
        """What a reader must know beside the detector's own warnings."""
        said = []
        if other_pixels:
            said.append(
                f"{other_pixels} of its images came before under the same UIDs with other pixels: one of the two was "
                "changed, whatever the detector says"
            )
        if order.missing:
            said.append(f"{order.missing} of its images have not come: what was judged is a part of it")
        if apart:
            said.append(f"{apart} other images of its series came before and were judged apart from these")
        return [*said, calibration_fault] if calibration_fault else said

    def _pass_over(self, series: Series, scan_id: str, reason: str) -> None:
        self._reasons[reason] += len(series.headers)
        self._tell(scan=scan_id, scored="")

    def _leave_out(self, left_out: Sequence[LeftOut]) -> None:
        for one in left_out:
            self._reasons[one.reason] += 1
            self._skipped[one.kind] += 1

    def _reason(self) -> str | None:
        return why_skipped(self._reasons) if self._reasons else None

    def _key(self, names: Sequence[str], routes: Sequence[Route]) -> str:
        """SHA-256 of what results follow from: files, detector, thresholds, kinds of results, and their schema."""
        digest = hashlib.sha256(f"{RESULTS_SCHEMA} {self._digest}\n".encode())
        bad = read_bad(self._folder)
        for name in names:
            left_out = " left out" if name in bad.files else ""
            digest.update(f"{name} {sha256_file(self._files / name)}{left_out}\n".encode())
        for route in routes:
            calibration = route.calibration
            known = sha256_file(calibration) if calibration and calibration.is_file() else ""
            digest.update(f"{route.scan} {sorted(route.results)} {known}\n".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class _Scan:
    """A scan of the series that was judged."""

    verdict: str
    p_tampered: float
    objects: tuple[Dataset, ...]
    pixels: dict[str, str]
    other_pixels: int


def _require_all(names: Sequence[str], order: Order) -> None:
    """See to it that what came is here: a series that the disk has lost is not one in which nothing was found."""
    if len(names) < max(1, order.files or 0):
        raise StorageError(
            "files of a series are gone", received=f"{len(names)} of {order.files or 'its'} files",
            remedy="send the series again",
        )  # fmt: skip


def _with_thresholds(model: Model, route: Route) -> tuple[Model, str]:
    """The detector with the thresholds of a route, and what has to be said where it cannot have them."""
    if route.calibration is None:
        return model, ""
    try:
        return calibrated(model, read_calibration(route.calibration)), ""
    except (MedfakeError, OSError) as error:
        said = error.what if isinstance(error, MedfakeError) else in_a_word(error)
        return model, f"judged with the detector's own thresholds and not with those of this site: {said}"


def _results_key(objects: Sequence[Dataset]) -> str | None:
    uids = sorted(str(made.SOPInstanceUID) for made in objects)
    return hashlib.sha256("\n".join(uids).encode()).hexdigest() if uids else None


def _digest_of(pixels: NDArray[np.int16]) -> str:
    """SHA-256 of one slice's values, however they were compressed; (rows, cols) int16."""
    return hashlib.sha256(f"{pixels.shape} ".encode() + np.ascontiguousarray(pixels, "<i2").tobytes()).hexdigest()


def _digest_of_all(scored: Scored, digests: Sequence[str]) -> str:
    together = hashlib.sha256()
    for header, digest in zip(scored.headers, digests, strict=True):
        together.update(f"{header.sop_uid} {header.frame} {digest}\n".encode())
    return together.hexdigest()
