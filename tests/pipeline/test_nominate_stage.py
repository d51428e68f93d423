"""Stage `nominate` writes to a database, so DVC must run it whenever it is out of date, and never restore it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[2]
STAND_IN = """
from pathlib import Path
import yaml

nominate = yaml.safe_load(Path("params.yaml").read_text())["nominate"]["metric"]
Path("reports").mkdir(exist_ok=True)
Path("reports/nomination.json").write_text(nominate)
with Path("registry.txt").open("a") as registry:  # stands for the alias
    registry.write(nominate + " ")
"""


def test_params_that_come_back_nominate_again(tmp_path: Path) -> None:
    stage = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]["nominate"]
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    stage |= {"cmd": shlex.join([sys.executable, "stand_in.py"]), "deps": ["stand_in.py"], "params": ["nominate"]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"nominate": stage}}))
    dvc = str(Path(sys.executable).with_name("dvc"))
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(tmp_path / "site")}
    subprocess.run([dvc, "init", "--no-scm", "-q"], cwd=tmp_path, env=environment, check=True)
    for metric in ("auc", "f1", "auc"):
        (tmp_path / "params.yaml").write_text(yaml.safe_dump({"nominate": {"metric": metric}}))
        subprocess.run([dvc, "repro", "-q"], cwd=tmp_path, env=environment, check=True)
        assert (tmp_path / "reports" / "nomination.json").read_text() == metric
    assert (tmp_path / "registry.txt").read_text().split() == ["auc", "f1", "auc"]
