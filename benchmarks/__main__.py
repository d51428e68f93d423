"""`python -m benchmarks [NAME]`: run one benchmark, or all."""

import sys

from benchmarks import (
    archive_import,
    build_memory,
    built_in,
    checks,
    decode,
    evaluation,
    feature_extraction,
    fine_tune_step,
    frozen_phase,
    gpu,
    pacs_listener,
    pacs_load,
    pacs_turnaround,
    pixel_look,
    scan,
    scan_memory,
    scan_package,
    scan_study,
    service_hammer,
    service_swap,
    service_throughput,
    shard_reading,
)

ALL = {
    "decode": decode.main,
    "import": archive_import.main,
    "memory": build_memory.main,
    "shards": shard_reading.main,
    "checks": checks.main,
    "features": feature_extraction.main,
    "fine-tune": fine_tune_step.main,
    "frozen": frozen_phase.main,
    "gpu": gpu.main,
    "scan": scan.main,
    "built-in": built_in.main,
    "evaluation": evaluation.main,
    "scan-package": scan_package.main,
    "monitoring": pixel_look.main,
    "service-throughput": service_throughput.main,
    "service-hammer": service_hammer.main,
    "service-swap": service_swap.main,
    "scan-study": scan_study.main,
    "scan-memory": scan_memory.main,
    "pacs-listener": pacs_listener.main,
    "pacs-turnaround": pacs_turnaround.main,
    "pacs-load": pacs_load.main,
}


def main() -> None:
    """Run what was asked for."""
    names = sys.argv[1:] or list(ALL)
    for name in names:
        if name not in ALL:
            sys.exit(f"error: no benchmark is called {name}\n  next: make bench NAME={'|'.join(ALL)}")
        ALL[name]()


main()
