"""A job, scored scan by scan: what is finished is on disk before the next begins, and is not done twice."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.dicom.series import Series
from medfake.errors import ScanError
from medfake.files import path_text, write_atomic, write_json
from medfake.serving.model import Model, describe
from medfake.serving.monitoring.served import served_scan
from medfake.serving.score import score_series
from medfake.serving.scoring import job_files
from medfake.serving.scoring.job_files import LeftOut, read_bad, read_upload
from medfake.serving.scoring.job_series import series_of_job
from medfake.serving.scoring.worker_messages import Start
from medfake.serving.suited import why_unsuited
from medfake.serving.verdict import Scored, judge

_FILE_KEYS: Final = {"file", "slice_file", "path"}
_NUMBER: Final = re.compile(r"\d{1,18}")


class JobScoring:
    """One job in a scoring process.

    Args:
        folder: Of the job.
        model: To score with.
        digest: Of the package that was opened.
        limits: How much is taken.
        tell: Tells the service what happens, in the fields of `Told`.
    """

    def __init__(self, folder: Path, model: Model, digest: str, limits: Start, tell: Callable[..., object]) -> None:
        self._folder, self._model, self._limits, self._tell = folder, model, limits, tell
        self._digest = digest
        self._files = folder / job_files.FILES
        self._names: dict[str, str] = {}
        self._skipped: list[LeftOut] = []
        self._decoded_bytes = 0
        self._slices_done = 0
        (folder / job_files.SCANS).mkdir(mode=0o700, exist_ok=True)

    def run(self) -> None:
        """Score what is not scored yet, then write the report.

        Raises:
            OSError: The disk is full.
        """
        upload, bad = read_upload(self._folder), read_bad(self._folder)
        self._names = {one.place: one.name for one in upload.received}
        series, left_out = series_of_job(self._files, upload.received, bad, self._limits, self._tell)
        self._skipped = [*upload.left_out, *left_out]
        model = self._model.suited_to(series)
        self._tell(scans=len(series), slices=sum(len(one.headers) for one in series), model=model.name)
        key, scans = pseudonym_key("private"), list[dict[str, Any]]()
        for one in series:
            scan_id = pseudonym(one.identity, key, "scan")
            if scan_id in bad.scans:
                self._skip_scan(one, bad.scans[scan_id])
                self._tell(scan=scan_id, scored="")
                continue
            stored = job_files.read_scan(self._folder, scan_id)
            again = stored is not None and stored["scored_by"] == [model.name, self._digest]
            if not again or stored is None:
                stored = self._score(one, scan_id, model, key)
            self._slices_done += len(one.headers) if again else 0
            self._skipped += [LeftOut(**skip) for skip in stored["skipped"]]
            if stored["verdict"]:
                scans.append(stored["verdict"])
            said = {"scored": (stored["verdict"] or {}).get("verdict", ""), "said": stored["said"]}
            self._tell(scan=scan_id, again=again, slices_done=self._slices_done, **said)
        skipped = [{"path": one.name, "reason": one.reason} for one in self._skipped]
        write_json(self._folder / job_files.REPORT, {"model": describe(model), "scans": scans, "skipped": skipped})
        self._tell(done=True, skipped=dict(Counter(one.kind for one in self._skipped)))

    def _score(self, series: Series, scan_id: str, model: Model, key: bytes) -> dict[str, Any]:
        """Score a scan and keep all that is said of it; nothing half done bears the name of what is whole."""
        self._tell(scan=scan_id)
        with write_atomic(job_files.scan_file(self._folder, scan_id, ".hu"), "wb") as file:

            def keep(hu: NDArray[np.int16]) -> None:
                self._decoded_bytes += hu.nbytes
                if self._decoded_bytes > self._limits.expanded_bytes:
                    raise ScanError("the decoded slices of this job are more than the service takes")
                file.write(hu.astype("<i2").tobytes())
                self._slices_done += len(hu)
                self._tell(scan=scan_id, slices_done=self._slices_done)

            scored, broken = score_series(
                series, model, keep, lambda path: self._tell(file=self._place(path), scan=scan_id)
            )
        kind = "pixels" if why_unsuited(series, model.card) is None else "UnsupportedImage"
        skips = [LeftOut(self._name(one.path), one.reason, kind) for one in broken]
        stored: dict[str, Any] = {"scored_by": [model.name, self._digest], "skipped": [asdict(one) for one in skips]}
        stored["modality"] = series.modality
        if scored is None:
            stored |= {"verdict": None, "said": None, "slices": []}
        else:
            verdict = judge(scored, model.card, key)
            stored["said"] = served_scan(scored, verdict, model).as_json()
            stored["verdict"] = self._in_client_names(json.loads(json.dumps(asdict(verdict))))
            stored["slices"] = self._slices(scored)
            self._keep_map(scored, scan_id)
        write_json(job_files.scan_file(self._folder, scan_id, ".json"), stored)
        return stored

    def _slices(self, scored: Scored) -> list[dict[str, Any]]:
        z_mm = dict(zip(scored.series.headers, scored.series.z_mm.tolist(), strict=True))
        numbers = {header: number for number, header in enumerate(scored.series.headers, start=1)}
        p, lung = scored.scores.slice_p.tolist(), scored.scores.shows_lung.tolist()
        return [
            {
                "index": index,
                "number": numbers[header],
                "file": self._name(path_text(header.path)) + (f"#{header.frame}" if header.frame else ""),
                "z_mm": z_mm[header],
                "p_tampered": p[index] if np.isfinite(p[index]) else None,
                "shows_lung": bool(lung[index]),
                "rows": header.rows,
                "cols": header.cols,
                "spacing_mm": list(header.spacing_mm),
                "instance": header.instance_number,
            }
            for index, header in enumerate(scored.headers)
        ]

    def _keep_map(self, scored: Scored, scan_id: str) -> None:
        scores = scored.scores
        if scores.place_p is None or scores.place_step_px is None:
            return
        with write_atomic(job_files.scan_file(self._folder, scan_id, ".npz"), "wb") as file:
            np.savez_compressed(file, place_p=scores.place_p.astype("<f4"), step_px=np.int64(scores.place_step_px))

    def _skip_scan(self, series: Series, reason: str) -> None:
        for name in dict.fromkeys(self._name(path_text(header.path)) for header in series.headers):
            self._skipped.append(LeftOut(name, reason, "process"))

    def _in_client_names(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._in_client_names(one) for one in value]
        if isinstance(value, dict):
            return {
                key: self._name(one) if key in _FILE_KEYS else self._in_client_names(one) for key, one in value.items()
            }
        return value

    def _place(self, path: Path) -> str:
        return path.relative_to(self._files).as_posix()

    def _name(self, text: str) -> str:
        return job_files.name_told(text, self._files, self._names)
