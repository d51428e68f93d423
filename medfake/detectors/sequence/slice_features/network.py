"""The graphs of what walks over vectors of slices: trained on windows, then put over all slices of a scan."""

from typing import Any

from medfake.detectors.sequence.options import SliceGRUOptions
from medfake.training.keras_setup import load_keras


def build_parts(width: int, options: SliceGRUOptions) -> tuple[Any, Any]:
    """What walks along z and what scales features, with weights of their own."""
    load_keras()
    from medfake.detectors.sequence.layers import AlongZ
    from medfake.detectors.sequence.slice_features.layers import StandardisedVectors

    along = AlongZ(options.units, options.reach_mm, options.bridge_mm, options.decay, name="along_z")
    along.build(width)
    return along, StandardisedVectors(width, name="standardised")


def build_of_slice_windows(along: Any, standardised: Any, options: SliceGRUOptions) -> Any:
    """Keras model to train, (windows, 2 reach + 1, width + 2) -> (windows, 1) log odds."""
    keras = load_keras()
    from medfake.detectors.sequence.slice_features.layers import OfSliceWindows

    windows = keras.layers.Input((2 * options.reach + 1, standardised.width + 2), name="windows")
    return keras.Model(windows, OfSliceWindows(along, standardised, options.noise)(windows), name="of_slice_windows")


def build_slice_aggregation(along: Any, standardised: Any, reach: int) -> Any:
    """From vectors of all slices of a scan to the scan.

    Args:
        along: Trained.
        standardised: With mean and deviation of training slices.
        reach: Slices to either side that it walks over.

    Returns:
        Keras model of embedding (slices, width), slice_counts and z_mm (slices,) -> dict of slice_p (slices,) and
        scan_p (1,), not calibrated.
    """
    keras = load_keras()
    from keras import layers

    from medfake.detectors.layers import Calibration
    from medfake.detectors.sequence.slice_features.layers import OfSlices

    embedding = layers.Input((standardised.width,), name="embedding")
    counts, z_mm = (layers.Input((), name=name) for name in ("slice_counts", "z_mm"))
    slices, scan = OfSlices(along, standardised, reach)(embedding, counts, z_mm)
    calibration = Calibration(name="calibration")
    outputs = {"slice_p": calibration(slices), "scan_p": calibration(scan)}
    model = keras.Model([embedding, counts, z_mm], outputs)
    model.reach_mm = along.reach_mm  # scans may be cut by it
    return model
