"""Features of a frozen network: ours against `model.predict` and against a bare ONNX Runtime loop."""

import tempfile
from pathlib import Path

from benchmarks.material import fastest_s, report
from benchmarks.training_set import noise_set, small_network

SLICES = 160


def main() -> None:
    """Print rates and ratios."""
    import onnxruntime

    from medfake.detectors.backbone.features import EXTRACTOR_ONNX, _engine, _extract, compute_features
    from medfake.package.scorer import BATCH

    dataset = noise_set(SLICES - 32, 32)
    spec, options = small_network()
    folder = Path(tempfile.mkdtemp(prefix="medfake-bench-")) / "features"
    features = compute_features(spec, options, dataset, folder)
    extractor, slices = features.extractor(), dataset.slices(dataset.manifest)
    session = onnxruntime.InferenceSession(str(folder / EXTRACTOR_ONNX), providers=["CPUExecutionProvider"])
    engine, batch = _engine(extractor, folder)
    ours_s = fastest_s(lambda: _extract(dataset, engine, batch), 3)
    predict_s = fastest_s(lambda: extractor.predict(slices, batch_size=8, verbose=0), 3)
    starts = range(0, len(slices), BATCH)
    bare_s = fastest_s(lambda: [session.run(None, {"hu": slices[at : at + BATCH]}) for at in starts], 3)
    print(f"features: {SLICES / ours_s:.1f} slices/s at 512 px")
    report("features", predict_s / ours_s, "Keras model.predict", ">=1.3")
    report("features", ours_s / bare_s, "bare ONNX Runtime loop, its time", "<=1.15")
