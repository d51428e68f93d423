"""Reading a series against a bare pydicom loop over the same files."""

from benchmarks.material import fastest_s, phantom_scan, report


def main() -> None:
    """Print rates and their ratio."""
    import pydicom

    from medfake.dicom.reader import read_volume
    from medfake.dicom.series import find_series

    folder = phantom_scan()
    files = sorted(folder.iterdir())
    bare_s = fastest_s(lambda: [pydicom.dcmread(path).pixel_array for path in files])
    ours_s = fastest_s(lambda: [read_volume(one.headers) for one in find_series(folder)[0]])
    print(f"decode: bare pydicom {len(files) / bare_s:.0f} slices/s, medfake {len(files) / ours_s:.0f} slices/s")
    report("decode", bare_s / ours_s, "pydicom.dcmread+pixel_array", ">=0.5 (headers are validated first)")
