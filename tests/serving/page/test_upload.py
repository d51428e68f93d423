"""Files on their way into the service, through the page."""

import shutil
import zipfile
from pathlib import Path

import pytest

from tests.fixtures.browser import Browser
from tests.fixtures.services import RunningService
from tests.serving.page.conftest import SLICES

pytestmark = pytest.mark.slow(minutes=2)

DONE = "document.querySelector('#scans') !== null"


@pytest.fixture
def page(browser: Browser, served: RunningService) -> Browser:
    browser.open(served.address)
    browser.wait_for("!document.querySelector('[data-for=folder]').hidden")
    return browser


def test_a_folder_is_taken_watched_and_ends_with_its_verdict(page: Browser, phantom_scan: Path) -> None:
    page.choose_files("#folder", [phantom_scan])
    page.wait_for_page("/jobs/")
    page.wait_for(f"document.querySelector('progress')?.max === {SLICES} || {DONE}")
    page.wait_for(DONE)
    assert page.evaluate("document.querySelectorAll('#scans ~ .scroll tbody tr').length") == 1
    assert page.evaluate("document.querySelector('tbody th a').textContent") == "chest"
    assert page.evaluate("document.querySelector('tbody .verdict').textContent") in (
        "tampered", "not tampered", "uncertain",
    )  # fmt: skip
    assert "1 file without a verdict" in page.text
    assert page.complaints == []


def test_files_are_taken_without_a_folder(page: Browser, phantom_scan: Path) -> None:
    page.choose_files("#several", sorted(phantom_scan.glob("1*.dcm")))
    page.wait_for(DONE)
    assert page.evaluate("document.querySelector('tbody th a').textContent") == "the upload itself"


def test_a_zip_is_unpacked(page: Browser, phantom_scan: Path, tmp_path: Path) -> None:
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in phantom_scan.glob("1*.dcm"):
            file.write(path, f"inside/{path.name}")
    page.choose_files("#several", [archive])
    page.wait_for(DONE)
    assert page.evaluate("document.querySelector('tbody th a').textContent") == "inside"


def test_folders_that_are_dropped_are_taken_with_all_that_is_below_them(
    page: Browser, phantom_scan: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / "study" / name).mkdir(parents=True)
        for path in phantom_scan.glob("1?.dcm"):
            shutil.copyfile(path, tmp_path / "study" / name / path.name)
    (tmp_path / "notes.txt").write_text("no image")
    page.drop("#drop", [tmp_path / "study", tmp_path / "notes.txt"])
    page.wait_for(DONE)
    folders = page.evaluate("[...document.querySelectorAll('tbody th a')].map((one) => one.textContent)")
    assert sorted(folders) == ["study/one", "study/two"]
    assert "1 × not a DICOM file" in page.text


def test_several_uploads_are_sent_one_after_the_other_and_listed(page: Browser, phantom_scan: Path) -> None:
    page.evaluate(
        "(() => {for (const name of ['one.txt', 'two.txt']) {const given = new DataTransfer();"
        "given.items.add(new File(['no image'], name));"
        "document.dispatchEvent(new DragEvent('drop', {dataTransfer: given, bubbles: true, cancelable: true}))}})()"
    )
    page.wait_for("document.querySelectorAll('#uploads a').length === 2")
    assert page.evaluate("[...document.querySelectorAll('#uploads .name')].map((one) => one.textContent)") == [
        "one.txt", "two.txt",
    ]  # fmt: skip


def test_what_the_service_refuses_is_told_in_its_own_words(
    page: Browser, served: RunningService, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and then nothing of an archive")
    answer = served.post("/v1/jobs", data=broken.read_bytes(), headers={"Content-Type": "application/zip"})
    page.choose_files("#several", [broken])
    page.wait_for("document.querySelector('#uploads .fault') !== null")
    said = page.evaluate("document.querySelector('#uploads .fault').innerText")
    assert answer.status_code in range(400, 500)
    assert answer.json()["error"]["what"] in said
    assert answer.json()["error"]["remedy"] in said
    assert page.evaluate("document.querySelector('.fault').getAttribute('role')") == "alert"


def test_an_upload_without_a_scan_says_why(page: Browser, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    page.choose_files("#several", [tmp_path / "notes.txt"])
    page.wait_for("document.querySelector('#skipped') !== null")
    assert "There is nothing to score among these files" in page.text
    assert "1 × not a DICOM file" in page.text


def test_every_button_is_reached_by_keyboard(page: Browser) -> None:
    reached = []
    for _ in range(16):
        page.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
    assert {"Choose a folder", "Choose files or a zip", "Scan", "Uploads", "Detector"} <= set(reached)


def test_names_of_files_are_text_whatever_is_in_them(
    browser: Browser, served: RunningService, phantom_scan: Path, tmp_path: Path
) -> None:
    folder = tmp_path / '<img src=x onerror="document.title=1">'
    folder.mkdir()
    for path in phantom_scan.glob("1?.dcm"):
        shutil.copyfile(path, folder / f"<svg onload=document.title=2>{path.name}")
    (folder / "\x1b[31mred\x07.txt").write_text("no image")
    job = served.job_of(served.post_folder("/v1/jobs", folder))
    served.wait_for(job)
    scan = served.get(f"/v1/jobs/{job}/report").json()["scans"][0]
    for address in (f"/jobs/{job}", f"/jobs/{job}/scans/{scan['scan_id']}", f"/jobs/{job}/report.html"):
        html = served.get(address).text
        assert "\x1b" not in html
        browser.open(served.address + address)
        assert browser.evaluate("document.querySelector('h1 img, td img, th img, svg[onload]') === null")
        assert browser.evaluate("document.title").startswith(("Upload", scan["verdict"], "medfake"))
        assert "onerror=" in browser.evaluate("document.body.textContent")
    assert browser.complaints == []


def test_without_scripts_a_form_does(browser: Browser, served: RunningService, phantom_scan: Path) -> None:
    browser.switch_scripts(on=False)
    browser.open(served.address)
    browser.choose_files("#plain", sorted(phantom_scan.glob("1?.dcm")))
    browser.click("[data-plain] button")
    browser.wait_for_page("/jobs/")
    browser.wait_for("document.querySelector('h1')?.textContent.startsWith('Upload of') ?? false")
    browser.wait_for("document.querySelector('#scans') !== null")  # the page asks again by itself


def test_without_scripts_a_refusal_is_a_page(served: RunningService) -> None:
    answer = served.post(
        "/jobs", data=b"PK\x03\x04", headers={"Content-Type": "application/zip", "Accept": "text/html"}
    )
    assert answer.status_code in range(400, 500)
    assert 'class="fault"' in answer.text
    assert "Choose a folder" in answer.text
