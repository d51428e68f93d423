"""Guards over a manifest of 250,000 rows, the size of LIDC-IDRI; images are tiny, as hashing is the disk's work."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.build_memory import peak_mib
from benchmarks.material import report

ROWS, SIZE = 250_000, 8
_CODE = """
import sys
from pathlib import Path
from medfake.checks.suite import run_checks
from medfake.project import Project
report = run_checks(Path(sys.argv[1]), Project.find().dataset("chest"))
report.raise_if_failed()
"""


def main() -> None:
    """Print seconds, peak memory, and their ratios to the goals."""
    folder = _large_set()
    command = [sys.executable, "-c", _CODE, str(folder)]
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import great_expectations"], check=True, stderr=subprocess.DEVNULL)
    floor_s = time.perf_counter() - started
    started = time.perf_counter()
    peak = peak_mib(command)
    took_s = time.perf_counter() - started
    print(f"checks: {took_s:.1f} s, {peak:.0f} MiB over {ROWS} rows; {floor_s:.1f} s of it imports Great Expectations")
    report("checks", took_s / 60, "60 s", "<=1.00")
    report("checks-memory", peak / 1024, "1 GiB", "<=1.00")


def _large_set() -> Path:
    import hashlib

    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from medfake.datasets.manifest import FACTS_FILE, MANIFEST_FILE, SCHEMA, SITES_FILE, write_manifest
    from medfake.datasets.scans import SITE_COLUMNS
    from medfake.files import sha256_file, write_json
    from medfake.vocabulary import Evidence, Manipulation, Split

    folder = Path(tempfile.mkdtemp(prefix="medfake-bench-")) / "chest"
    folder.mkdir()
    pixels = np.random.default_rng(1).integers(-1000, 400, (ROWS, SIZE, SIZE)).astype("<i2")
    np.save(folder / "shard-000.npy", pixels)
    blank = {pa.string(): "", pa.bool_(): False}
    number = np.arange(ROWS)
    rows = pd.DataFrame({field.name: blank.get(field.type, 0) for field in SCHEMA}, index=number)
    patient = pd.Series(number // 250).map("patient-{:04d}".format)
    rows = rows.assign(
        slice_id=[f"scan-{n // 250:04d}:{n % 250}" for n in number],
        scan_id=patient.str.replace("patient", "scan"),
        patient_id=patient,
        source="LIDC-IDRI",
        label=number % 2,
        manipulation=np.where(number % 2, Manipulation.INJECTED, Manipulation.NONE),
        split=np.select([number < 0.6 * ROWS, number < 0.8 * ROWS], [Split.TRAIN, Split.VAL], Split.TEST),
        shard="shard-000.npy",
        row=number,
        sha256=[hashlib.sha256(one.tobytes()).hexdigest() for one in pixels],
        rows=SIZE,
        cols=SIZE,
        hu_min=-1000,
        hu_max=400,
        air_fraction=0.5,
        spacing_mm=0.7,
        thickness_mm=2.5,
        bits_stored=12,
        generator=np.where(number % 2, "CT-GAN", ""),
        site_y=np.where(number % 2, 3.0, np.nan),
        site_x=np.where(number % 2, 3.0, np.nan),
        view="whole",
    )
    write_manifest(rows, folder)
    pd.DataFrame(columns=list(SITE_COLUMNS)).to_parquet(folder / SITES_FILE)
    facts = {
        "name": "chest",
        "evidence": Evidence.PHANTOM,
        "protocol": "grouped",
        "sha256": sha256_file(folder / MANIFEST_FILE),
        "labels": {"noise": {"rows": 0, "used": 0, "left_out": 0, "places": 0}},
    }
    write_json(folder / FACTS_FILE, facts)
    return folder
