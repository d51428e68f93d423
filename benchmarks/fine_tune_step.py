"""A step of the second phase, slices read from shards, against a bare Keras `train_on_batch` loop on arrays."""

from benchmarks.material import fastest_s, report
from benchmarks.training_set import noise_set, small_network

STEPS = 12


def main() -> None:
    """Print the time of a step both ways and the ratio."""
    from medfake.detectors.backbone.fit import unfreeze
    from medfake.detectors.backbone.graph import build_extractor, build_head
    from medfake.training.keras_setup import import_keras
    from medfake.training.phase import BatchSource, ShuffledRows, learn
    from medfake.vocabulary import Split

    spec, options = small_network()
    keras = import_keras(1)
    backbone = spec.build((options.input_size, options.input_size, 3), None)
    extractor, _ = build_extractor(backbone, options, spec.contract)
    model = keras.Model(extractor.input, build_head(256, options.head)(extractor.output))
    unfreeze(keras, backbone)
    model.compile(optimizer=keras.optimizers.Adam(1e-5), loss=keras.losses.BinaryCrossentropy())
    dataset = noise_set(STEPS * options.batch_size, 32)
    rows = dataset.split(Split.TRAIN)
    labels = rows.label.to_numpy("float32")
    source = BatchSource(lambda at: dataset.slices(rows.iloc[at]), labels, options.batch_size)
    slices = dataset.slices(rows)
    starts = range(0, len(slices), options.batch_size)
    ours_s = fastest_s(lambda: learn(model, ShuffledRows(source, 1).epoch(0)), 3)
    bare_s = fastest_s(
        lambda: [
            model.train_on_batch(slices[at : at + options.batch_size], labels[at : at + options.batch_size])
            for at in starts
        ],
        3,
    )
    ours_ms, bare_ms = ours_s / STEPS * 1e3, bare_s / STEPS * 1e3
    print(f"fine-tune: {ours_ms:.0f} ms a step of {options.batch_size} slices at 512 px, bare {bare_ms:.0f} ms")
    report("fine-tune", ours_s / bare_s, "bare Keras train_on_batch, its time", "<=1.1")
