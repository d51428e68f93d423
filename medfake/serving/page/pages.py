"""What each page shows."""

from typing import Any, Final

from medfake.errors import MedfakeError
from medfake.package.card import Card
from medfake.reports.model_card import card_text
from medfake.serving.calibration import SiteCalibration
from medfake.serving.page.about import About
from medfake.serving.page.card_html import card_html
from medfake.serving.page.environment import environment
from medfake.serving.page.job_view import JobView, job_view
from medfake.serving.page.kept import Kept
from medfake.serving.page.printed import Printed, printed_report
from medfake.serving.page.report_view import report_view
from medfake.serving.page.scan_page import ScanPages
from medfake.serving.page.status_line import status_line
from medfake.serving.service.contract import JobAnswer
from medfake.serving.service.refusals import UnauthorizedError
from medfake.vocabulary import Modality

PER_PAGE: Final = 25
MOST_SKIPPED: Final = 500
"""Files without a verdict that a page lists; the JSON has all."""
_LATEST: Final = 5
_PAGES: Final = (("/", "Scan"), ("/jobs", "Uploads"), ("/detector", "Detector"), ("/monitoring", "Monitoring"))


class Pages:
    """Pages of a service, each as HTML.

    Args:
        kept: What the service has.
        about: What is said of it.
    """

    def __init__(self, kept: Kept, about: About) -> None:
        self._kept, self._about = kept, about
        self.scans = ScanPages(kept)

    def start(self, fault: MedfakeError | None = None) -> str:
        """Where scans are dropped."""
        jobs, _ = self._kept.newest(_LATEST, 0)
        detector = self._kept.detector()
        card = Card.model_validate(detector.card) if detector else None
        worth, modality = (card.evidence.sentence, card.modality) if card else ("", Modality.CT)
        return self._draw(
            "start", "/", jobs=[self._seen(job) for job in jobs], detector=detector, worth=worth, fault=fault,
            modality=modality, limits=self._about.limits, keeping=self._about.keeping,
        )  # fmt: skip

    def jobs(self, start: int) -> str:
        """Uploads, newest first, from the one with this number on."""
        jobs, total = self._kept.newest(PER_PAGE, start)
        older = start + PER_PAGE if start + PER_PAGE < total else None
        newer = max(start - PER_PAGE, 0) if start else None
        seen = [self._seen(job) for job in jobs]
        return self._draw("jobs", "/jobs", jobs=seen, older=older, newer=newer, keeping=self._about.keeping)

    def job(self, job_id: str) -> str:
        """How far an upload is, or what was found in it."""
        job = self._kept.job(job_id)
        report = report_view(self._kept.report(job_id)) if job.state == "done" else None
        return self._draw(
            "job", "/jobs", job=job_view(job), report=report, most_skipped=MOST_SKIPPED, current=self._current()
        )

    def scan(self, job_id: str, scan_id: str, wanted: int | None, window: str) -> str:
        """The slices of a scan; `wanted` is the index of the one that is shown first."""
        shown = self.scans.page(job_id, scan_id, wanted, window)
        return self._draw("scan", "/jobs", job=job_view(self._kept.job(job_id)), current=self._current(), **shown)

    def printed(self, job_id: str) -> Printed:
        """The report of an upload, to keep and to print."""
        job = job_view(self._kept.job(job_id))
        scanned = f"{job.ended:%Y-%m-%d %H:%M} UTC" if job.ended else "just now"
        return printed_report(self._kept.report(job_id), scanned, lambda scan: self.scans.pictures(job_id, scan))

    def delete(self, job_id: str) -> str:
        """What would be gone."""
        return self._draw("delete", "/jobs", job=job_view(self._kept.job(job_id)))

    def detector(self) -> str:
        """The card of the detector that scans."""
        detector = self._kept.detector()
        if detector is None:
            return self._draw("detector", "/detector", card="")
        card = Card.model_validate(detector.card)
        return self._draw(
            "detector", "/detector", card=card_html(card_text(card, self._kept.graphs())),
            worth=card.evidence.sentence, scanner=detector.name, chosen=detector.chosen,
            calibrated=SiteCalibration(**detector.calibration).sentence if detector.calibration else "",
        )  # fmt: skip

    def monitoring(self) -> str:
        """How what was scanned differs from what the detector learnt from."""
        return self._draw("monitoring", "/monitoring", monitoring=self._kept.monitoring())

    def login(self, *, refused: bool) -> str:
        """Where a browser shows its token; `refused` after a wrong one."""
        fault = UnauthorizedError("this is no token of the service", remedy="ask whoever runs it for one")
        return self._draw(
            "login", "/login", fault=fault if refused else None, session_hours=self._about.session_hours,
            tokens=self._about.tokens, signed_in=False, status=None, pages=(),
        )  # fmt: skip

    def fault(self, fault: MedfakeError) -> str:
        """What went wrong, and what to do next."""
        return self._draw("fault", "", fault=fault)

    def status(self) -> str:
        """What scans, in a line."""
        return environment().get_template("status.html.j2").render(status=status_line(self._kept.detector()))

    def _current(self) -> str:
        """Name of the detector that scans now; "" until one is loaded."""
        detector = self._kept.detector()
        return detector.name if detector else ""

    def _seen(self, job: JobAnswer) -> JobView:
        return job_view(job, self._kept.verdicts(job.id) if job.state == "done" else ())

    def _draw(self, name: str, here: str, **values: Any) -> str:
        shared = {
            "here": here,
            "pages": _PAGES,
            "signed_in": self._about.tokens,
            "status": status_line(self._kept.detector()) if "status" not in values else None,
        }
        return environment().get_template(f"{name}.html.j2").render(shared | values)
