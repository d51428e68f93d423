"""The graphs of sequence detectors: what is trained on windows, and how maps of all slices become a scan."""

from typing import Any

from medfake.detectors.dense import grid
from medfake.detectors.sequence.grid import PLANE_FEATURES
from medfake.detectors.sequence.options import SliceGRUOptions
from medfake.training.keras_setup import load_keras


def build_along_z(options: SliceGRUOptions) -> Any:
    """What walks along z beside the window rule, with weights of its own."""
    load_keras()
    from medfake.detectors.sequence.layers import BesideRule

    along = BesideRule(options.units, options.reach_mm, options.bridge_mm, options.decay, name="along_z")
    along.build(PLANE_FEATURES)
    return along


def build_of_windows(along: Any, options: SliceGRUOptions) -> Any:
    """Keras model to train, (windows, 2 reach + 1, 5) -> (windows,) log odds."""
    keras = load_keras()
    from keras import layers

    from medfake.detectors.sequence.layers import OfWindows

    windows = layers.Input((2 * options.reach + 1, PLANE_FEATURES + 2), name="windows")
    return keras.Model(windows, OfWindows(along, options.noise)(windows), name="of_windows")


def build_plane() -> Any:
    """Keras model, place_logit and place_counts (slices, down, across) -> features of sequences and which count."""
    keras = load_keras()
    from keras import layers

    from medfake.detectors.sequence.layers import PlaneFeatures

    given = [layers.Input((None, None), name=name) for name in ("place_logit", "place_counts")]
    return keras.Model(given, PlaneFeatures()(*given), name="plane")


def build_aggregation(along: Any, reach: int = 0) -> Any:
    """From maps of all slices of a scan to the scan.

    Args:
        along: Trained; None for the window rule alone.
        reach: Slices to either side that it walks over.

    Returns:
        Keras model of place_logit and place_counts (slices, down, across) and z_mm (slices,) -> dict of place_p
        (slices, down, across), slice_p (slices,) and scan_p (1,), not calibrated.
    """
    keras = load_keras()
    from keras import layers

    from medfake.detectors.layers import Calibration
    from medfake.detectors.sequence.layers import OfScan

    logits, counts = (layers.Input((None, None), name=name) for name in ("place_logit", "place_counts"))
    z_mm = layers.Input((), name="z_mm")
    places, slices, scan = OfScan(along, reach)(logits, counts, z_mm)
    calibration = Calibration(name="calibration")
    outputs = {"place_p": calibration(places), "slice_p": calibration(slices), "scan_p": calibration(scan)}
    model = keras.Model([logits, counts, z_mm], outputs)
    model.reach_mm = max(grid.WINDOW_MM, 0.0 if along is None else along.reach_mm)  # scans may be cut by it
    return model
