"""The patch of params.yaml that a search ends with."""

import subprocess
from pathlib import Path

import pytest

from pipelines.tune import patch

TEXT = "study: x   # ü\ndetectors:\n  RandomForest:\n    trees: 100    # so many\n    pool: 4\nseed: 1\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_patch_keeps_line_ends_comments_and_a_byte_order_mark(tmp_path: Path, end: str, mark: str) -> None:
    params = tmp_path / "params.yaml"
    params.write_bytes((mark + TEXT).replace("\n", end).encode())
    wanted = params.read_bytes().replace(b"trees: 100    #", b"trees: 250    #")
    difference = tmp_path / "best.patch"
    difference.write_bytes(patch(params, "RandomForest", {"trees": 250}).encode())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "best.patch"], cwd=tmp_path, check=True)
    assert params.read_bytes() == wanted
