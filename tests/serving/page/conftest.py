"""A real service with its pages, a phantom scan that was uploaded to it, and a browser to look with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from medfake.cli.root import cli
from tests.fixtures.browser import Browser
from tests.fixtures.services import PROJECT, RunningService, start

SLICES = 24
AXE = PROJECT / ".medfake/axe/node_modules/axe-core/axe.min.js"
NO_AXE = "axe-core is not there: npm install --prefix .medfake/axe --no-save axe-core@4.14.1"


@dataclass(frozen=True)
class Uploaded:
    """A job that is done.

    Attributes:
        job: Its id.
        report: What was found.
    """

    service: RunningService
    job: str
    report: dict[str, Any]

    @property
    def address(self) -> str:
        return f"{self.service.address}/jobs/{self.job}"

    @property
    def scan(self) -> dict[str, Any]:
        found: dict[str, Any] = self.report["scans"][0]
        return found

    @property
    def scan_address(self) -> str:
        return f"{self.address}/scans/{self.scan['scan_id']}"


Upload = Callable[[Path], Uploaded]


def upload_to(service: RunningService, folder: Path) -> Uploaded:
    job = service.job_of(service.post_folder("/v1/jobs", folder))
    service.wait_for(job)
    return Uploaded(service, job, service.get(f"/v1/jobs/{job}/report").json())


def barriers(browser: Browser) -> list[Any]:
    """What axe finds that keeps somebody from using the page, each with the elements that it is about."""
    if not AXE.exists():
        pytest.skip(NO_AXE)
    browser.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    found: list[Any] = browser.evaluate(
        "axe.run().then((said) => said.violations.map((one) => [one.id, one.nodes.map((node) => node.html)]))"
    )
    return found


@pytest.fixture(scope="session")
def phantom_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom with a nodule put in, and a file beside its slices that is none."""
    folder = tmp_path_factory.mktemp("phantom") / "chest"
    options = ["--seed", "1", "--slices", str(SLICES), "--manipulation", "injection"]
    said = CliRunner().invoke(cli, ["phantom", str(folder), *options])
    assert said.exit_code == 0, said.output
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with the built-in detector."""
    folder = tmp_path_factory.mktemp("served-pages")
    running = start(folder, folder, model="builtin")
    yield running
    assert running.stop() == 0, running.said()


@pytest.fixture(scope="session")
def uploaded(served: RunningService, phantom_scan: Path) -> Uploaded:
    """The phantom scan, scored; for tests that leave it as it is."""
    return upload_to(served, phantom_scan)


@pytest.fixture
def upload(served: RunningService) -> Upload:
    """Uploads a folder and waits until it is scored."""
    return lambda folder: upload_to(served, folder)


@pytest.fixture
def viewer(browser: Browser, uploaded: Uploaded) -> Browser:
    """The slices of the phantom scan, the first of which is drawn."""
    browser.open(uploaded.scan_address)
    browser.wait_for("document.querySelector('.pane.here').dataset.shown")
    return browser
