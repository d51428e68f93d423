"""What monitoring adds to a scan: a look at a quarter of the slices, beside the scoring of all of them."""

from benchmarks.material import fastest_s, phantom_scan, report


def main() -> None:
    """Print milliseconds a slice of either, and the ratio."""
    from medfake.dicom.reader import read_volume
    from medfake.package.pixel_statistics import PixelLook
    from medfake.package.shipped import has_builtin
    from medfake.serving.find import find_scans
    from medfake.serving.model import open_builtin

    if not has_builtin():
        print("monitoring: not measured, this checkout lacks the built-in detector")
        return
    (series,), _ = find_scans([phantom_scan()], jobs=1)
    volume, spacing_mm = read_volume(series.headers), series.headers[0].spacing_mm
    scorer = open_builtin("").scorer
    look_s = fastest_s(lambda: PixelLook(len(volume), spacing_mm)(volume))
    score_s = fastest_s(lambda: scorer.score_scan([(volume, series.z_mm)], spacing_mm), 3)
    each = 1000 / len(volume)
    print(f"monitoring: a look takes {look_s * each:.2f} ms of every slice, its scoring {score_s * each:.0f} ms")
    report("monitoring", 1 + look_s / score_s, "scoring without a look", "<=1.02")
