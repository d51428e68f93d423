"""The whole evaluation of 13 detectors on 2,486 slices with 2,000 resamples, beside the forward passes.

From predictions, embeddings and steps: comparison, what is made of embeddings, every section of the report, files and
page, in a process of its own, imports counted.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.build_memory import peak_mib
from benchmarks.material import report

SLICES, WIDTH, RESAMPLES = 2486, 256, 2000
PATIENTS, VALIDATION = 88, 374
_CODE = """
import sys, time
from pathlib import Path
from medfake.config import load_params
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.latent import look_at_packages
from medfake.reports.compare import compare
from medfake.reports.entry import read_entries
from medfake.reports.markdown import to_markdown
from medfake.reports.metrics_files import to_json
from medfake.reports.report import report_html
from medfake.reports.sections.registry import ReportInput, written_sections
out, resamples = Path(sys.argv[1]), int(sys.argv[2])
packages = sorted((out / "models").glob("*/*/*"))
def timed(name, work):
    started = time.perf_counter()
    made = work()
    print(f"evaluation: {name} {time.perf_counter() - started:.1f} s", flush=True)
    return made
comparison = timed("comparison", lambda: compare(read_entries(packages)[0], Bootstrap(resamples)))
latent = timed("latent space", lambda: look_at_packages("chest", packages, 1))
latent.write(out / "reports/latent/chest.json")
given = ReportInput(comparison=comparison, params=load_params(Path("params.yaml")), reports=out / "reports")
timed("sections", lambda: written_sections(given))
timed("files and page", lambda: (to_markdown(comparison), to_json(comparison), report_html(comparison)))
"""


def main() -> None:
    """Print seconds and peak memory, and their ratios to the goals."""
    out = _thirteen_packages()
    command = [sys.executable, "-c", _CODE, str(out), str(RESAMPLES)]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    took_s = time.perf_counter() - started
    peak = peak_mib(command)
    print(f"evaluation: {took_s:.1f} s, {peak:.0f} MiB for 13 detectors x {SLICES} slices, {RESAMPLES} resamples")
    report("evaluation", took_s / 60, "60 s", "<=1.00")
    report("evaluation-memory", peak / 1024, "1 GiB", "<=1.00")


def _thirteen_packages() -> Path:
    """Cards, predictions and embeddings as stages write them; no graph is asked for."""
    import numpy as np

    from medfake.metrics.embeddings import write_embeddings
    from medfake.metrics.predictions import write_predictions
    from medfake.metrics.timings import BATCHES, PackageTiming, StepTime, Timings, this_machine
    from medfake.package.card import Agreement, Card, write_card
    from medfake.reports.published import read_table
    from medfake.vocabulary import Evidence

    out = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    rng, packages = np.random.default_rng(1), {}
    slices = _slices(rng)
    for place, name in enumerate(row["model"] for row in read_table("alsabbagh_table1")):
        folder = out / "models" / "chest" / name / "seed-1"
        logit = (1 + place / 8) * (slices.label - 0.5) + rng.normal(size=len(slices))
        p = (1 / (1 + np.exp(-logit))).astype("float32")
        write_predictions(folder / "predictions.parquet", slices.assign(detector=name, p_tampered=p))
        seen = rng.normal(size=(len(slices), WIDTH)) + logit.to_numpy()[:, None]
        write_embeddings(folder / "embeddings.parquet", slices.slice_id, seen.astype(np.float32))
        card = Card(
            detector=name, options={}, seed=1, dataset="chest", dataset_sha256="0" * 64, evidence=Evidence.PHANTOM,
            protocol="grouped", parameters=10**6 * (place + 1), localises=False, threshold=0.5, threshold_rule="none",
            scan_threshold_low=0.4, scan_threshold_high=0.6, calibration={"temperature": 1.5}, weights={"kind": "none"},
            metrics={}, agreement=Agreement(max_abs_difference=0.0, slices=4), git_revision="unknown",
            dvc_lock_sha256=None, mlflow_run_id=None,
        )  # fmt: skip
        write_card(card, folder)
        steps = {size: StepTime(tuple(rng.normal(100 * size, 3, 10).tolist())) for size in BATCHES}
        packages[f"chest/{name}/seed-1"] = PackageTiming(
            steps=steps, rows=512, cols=512, graph_bytes=10**7 + place, parameters=card.parameters, graphs={}
        )
    Timings(this_machine(), packages).write(out / "reports" / "timings.json")
    return out


def _slices(rng: Any) -> Any:
    """Rows of test slices, and validation ones beside them: patients with a real and a tampered scan each."""
    import numpy as np
    import pandas as pd

    count = SLICES + VALIDATION
    number = np.arange(count)
    test = number < SLICES
    patient = np.where(test, number % PATIENTS, PATIENTS + number % (PATIENTS // 4))
    label = number // PATIENTS % 2
    kind = np.array(["injected", "removed"])[patient % 2]
    patients, scans = pd.Series(patient).map("p{:03}".format), pd.Series(label).map("-{}".format)
    return pd.DataFrame({
        "dataset": "chest", "seed": 1, "slice_id": [f"slice-{one:05}" for one in number], "scan_id": patients + scans,
        "patient_id": patients, "split": np.where(test, "test", "val"), "label": label,
        "manipulation": np.where(label == 1, kind, "none"), "generator": np.where(label == 1, "CT-GAN", ""),
        "z_mm": 2.5 * (number // PATIENTS), "distance_mm": np.where(label == 1, 0.0, np.nan),
        "site_y": np.where(label == 1, rng.uniform(100, 400, count), np.nan),
        "site_x": np.where(label == 1, rng.uniform(100, 400, count), np.nan),
        "pred_site_y": np.nan, "pred_site_x": np.nan, "spacing_mm": 0.7,
    })  # fmt: skip
