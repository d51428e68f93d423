"""A trained ResidualCNN that gives one vector a slice: what its judge sees of places, pooled over those that count."""

from typing import Any, Final

from medfake.errors import ManifestError

SITES: Final = ("site_y", "site_x", "site_p")


def with_embedding(network: Any) -> Any:
    """The slice model of `build_residual_cnn`, loaded from detector.keras, with an embedding and without its maps.

    Returns:
        (slices, rows, cols) int16 HU -> dict of p_tampered, site_y, site_x (px), site_p, and embedding (slices, 64):
        mean and maximum of the layer before the last, over places that hold enough lung; weights are shared.

    Raises:
        ManifestError: The network is none of a ResidualCNN.
    """
    import keras
    from keras import layers

    from medfake.detectors.forensic.layers import PooledPlaces, RegionShare
    from medfake.detectors.layers import Hounsfield

    try:
        hounsfield, region_share = (
            next(one for one in network.layers if isinstance(one, kind)) for kind in (Hounsfield, RegionShare)
        )
        trunk, judge, places, calibration = (
            network.get_layer(name) for name in ("trunk", "judge", "places", "calibration")
        )
    except (StopIteration, RuntimeError, ValueError):
        raise ManifestError(
            "the network is none of a ResidualCNN, which alone is pooled over its places",
            received=", ".join(one.name for one in network.layers[:8]),
            remedy="name a package of ResidualCNN, or of a network on a backbone",
        ) from None
    hu = layers.Input((None, None), dtype="int16", name="hu")
    image = hounsfield(hu)
    *before, last = judge.layers
    features = trunk(image)
    for layer in before:
        features = layer(features)
    lung = region_share(image)
    slice_logit, y, x, best = places(last(features), lung)
    outputs = {"p_tampered": calibration(slice_logit)}
    outputs |= dict(zip(SITES, (y, x, calibration(best)), strict=True))
    outputs["embedding"] = PooledPlaces(places.least_lung, name="embedding")(features, lung)
    return keras.Model(hu, outputs)
