"""The graphs of dense detectors: a fixed front, a judge of places, and how scores of places become those of scans."""

from typing import Any

from medfake.detectors.dense import grid
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.training.keras_setup import load_keras


def build_front(texture: Any = None) -> Any:
    """Everything before the judge; of the fixed filters nothing is learnt.

    Args:
        texture: Layer from HU and lung to texture of cells and their lung share; the fixed filters unless told.

    Returns:
        Keras model, (slices, rows, cols) int16 HU -> features (slices, down, across, 440), 0/1 where a place is lung,
        and 0/1 where it also counts in a score, both (slices, down, across, 1).
    """
    keras = load_keras()
    from keras import layers

    from medfake.detectors.dense.lung_layers import LungField
    from medfake.detectors.dense.texture_layers import Comparison, ResidualTexture
    from medfake.detectors.layers import Hounsfield

    hu = layers.Input((None, None), dtype="int16", name="hu")
    image = Hounsfield()(hu)
    cells, share = (texture or ResidualTexture())(image, LungField()(image))
    return keras.Model(hu, Comparison()(cells, share), name="front")


def build_judges(mean: Any, deviation: Any, options: ResidualStatisticsOptions) -> Any:
    """What is learnt: a few small networks on the features of one place, in rounds that are trained one by one.

    Args:
        mean: (440,) of the training places.
        deviation: (440,) likewise; features are divided by it + 0.01.
        options: Rounds, members, widths, dropout, noise and decay.

    Returns:
        Keras model, (places, 440) -> (places, rounds x members) logits; it takes more axes in front.
    """
    keras = load_keras()
    from keras import layers

    from medfake.detectors.dense.score_layers import Standardised

    def dense(width: int, **activation: str) -> Any:
        return layers.Dense(width, kernel_regularizer=keras.regularizers.L2(options.decay), **activation)

    features = layers.Input((grid.FEATURES,))
    standard = Standardised(mean, deviation)(features)
    rounds = []
    for number in range(options.rounds):
        logits = []
        for _ in range(options.members):
            hidden = layers.GaussianNoise(options.noise)(standard)
            for width in options.widths:
                hidden = layers.Dropout(options.dropout)(dense(width, activation="relu")(hidden))
            logits.append(dense(1)(hidden))
        rounds.append(_side_by_side(logits, name=_round_name(number)))
    return keras.Model(features, _side_by_side(rounds), name="judges")


def judges_of_round(judges: Any, number: int) -> Any:
    """Those of one round, counted from 0, as a Keras model that shares their weights."""
    keras = load_keras()
    return keras.Model(judges.input, judges.get_layer(_round_name(number)).output, name=_round_name(number))


def _round_name(number: int) -> str:
    return f"round_{number + 1}"


def _side_by_side(logits: list[Any], name: str | None = None) -> Any:
    load_keras()
    from keras import layers

    return layers.Concatenate(name=name)(logits) if len(logits) > 1 else layers.Identity(name=name)(logits[0])


def build_detector(judges: Any, front: Any = None) -> Any:
    """Front, judges and the score of every slice in one graph.

    Args:
        judges: (places, features) -> (places, members) logits, as of `build_judges`; they are averaged.
        front: Of `build_front`; that of the fixed filters unless told.

    Returns:
        Keras model, (slices, rows, cols) int16 HU -> dict of p_tampered, site_y, site_x (px) and site_p of every slice
        by itself, and place_logit and place_counts (slices, down, across) for `build_aggregation`.
    """
    keras = load_keras()

    from medfake.detectors.dense.score_layers import Everywhere, PlaneScores, Strongest
    from medfake.detectors.layers import Calibration

    front = front or build_front()  # its layers, not the front as one: a gradient by pixels begins at one of them
    features, _, counts = front.output
    logits, counts = Everywhere(judges)(features, counts)
    logit, y, x = Strongest()(PlaneScores()(logits, counts), counts)
    p = Calibration(name="calibration")(logit)
    outputs = {"p_tampered": p, "site_y": y, "site_x": x, "site_p": p, "place_logit": logits, "place_counts": counts}
    return keras.Model(front.input, outputs)


def build_aggregation() -> Any:
    """From places of all slices of a scan to the scan: 24 px in plane, 8 mm to either side along z.

    A place scores the mean of its neighbours on all slices near it and of those on its own slice, half and half, each
    drawn towards "untouched" where few places count.

    Returns:
        Keras model of place_logit and place_counts (slices, down, across) and z_mm (slices,) -> dict of place_p
        (slices, down, across; next to 0 where a place does not count), slice_p (slices,) and scan_p (1,).
    """
    keras = load_keras()
    from keras import layers

    from medfake.detectors.dense.score_layers import ScanScores
    from medfake.detectors.layers import Calibration

    logits, counts = (layers.Input((None, None), name=name) for name in ("place_logit", "place_counts"))
    z_mm = layers.Input((), name="z_mm")
    places, slices, scan = ScanScores()(logits, counts, z_mm)
    calibration = Calibration(name="calibration")
    outputs = {"place_p": calibration(places), "slice_p": calibration(slices), "scan_p": calibration(scan)}
    return keras.Model([logits, counts, z_mm], outputs)
