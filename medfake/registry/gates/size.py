"""Is it small enough to be served?"""

from medfake.package.card import AGGREGATION_FILE, ONNX_FILE
from medfake.registry.gates.gate import Case, Ruling, gate

_MB = 1e6


@gate("size")
def small_enough(case: Case) -> Ruling:
    """Refuse graphs that the study finds too large: every process that scans loads them whole."""
    graphs = (case.package / name for name in (ONNX_FILE, AGGREGATION_FILE))
    size_mb, most = sum(path.stat().st_size for path in graphs if path.is_file()) / _MB, case.params.size_mb
    if size_mb <= most:
        return Ruling(True, f"its graphs have {size_mb:.1f} MB of at most {most:g}")
    return Ruling(
        False,
        f"its graphs have {size_mb:.1f} MB, more than {most:g}",
        "choose a smaller backbone (medfake backbones), or raise promote.size_mb in params.yaml",
    )
