"""The way that docs/how-to/run-inside-a-pacs.md tells: Orthanc sends series by a rule, and gets their verdicts back."""

import json
import re
import time
from pathlib import Path

import pytest
import yaml

from medfake.pacs.settings import PacsSettings
from medfake.phantom import write_patient
from tests.fixtures import dcmtk
from tests.fixtures.orthanc import Orthanc, free_port
from tests.fixtures.pacs_station import PacsStation

DOCS = Path(__file__).resolve().parents[2] / "docs" / "how-to"
PAGE = (DOCS / "run-inside-a-pacs.md").read_text()
SCRIPT = DOCS / "orthanc-route.lua"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_every_setting_that_the_page_shows_is_one() -> None:
    for text in blocks("yaml"):
        PacsSettings.model_validate(yaml.safe_load(text))


@pytest.mark.slow(minutes=0.5)
def test_a_series_that_comes_to_orthanc_has_its_verdict_there(tmp_path: Path) -> None:
    (text,) = blocks("json")
    told = json.loads(f"{{{text}}}")
    port = free_port()
    told["DicomModalities"]["medfake"]["Port"] = port
    options = {**told, "LuaScripts": [str(SCRIPT)], "StableAge": 1}
    with Orthanc(tmp_path / "orthanc", options=options) as orthanc:
        listen = {"listen": {"callers": [orthanc.ae_title], "port": port}}
        with PacsStation(tmp_path / "station", orthanc.dicomweb, settings=listen) as station:
            write_patient(tmp_path / "scan", 3, 24, "injection")
            assert dcmtk.store(orthanc.dicom_port, tmp_path / "scan", called=orthanc.ae_title).returncode == 0
            (row,) = station.wait_until_done(1)
            assert (row.verdict, row.caller, row.sent) == ("tampered", orthanc.ae_title, 5)
            (study,) = orthanc.find("Study")
            series = [orthanc.get(f"/series/{one}") for one in orthanc.get(f"/studies/{study}")["Series"]]
            said = {one["MainDicomTags"]["Modality"]: one["MainDicomTags"].get("SeriesDescription") for one in series}
            assert sorted(said) == ["CT", "OT", "SEG", "SR"]
            assert str(said["SR"]).startswith("medfake: tampered, P 0.")
            time.sleep(3.0)  # until the results have come to rest in Orthanc, too
            assert len(station.rows()) == 1
