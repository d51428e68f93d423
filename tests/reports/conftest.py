import pytest

from medfake.config import PublishedParams


@pytest.fixture(scope="module")
def exact(predict, enter):
    """A perfect detector and one that always says the same."""
    frames = [predict(detector=name, patients=6, val_patients=1, slices=1) for name in ("VGG19", "ResidualCNN")]
    scores = (frames[0]["label"] * 0.8 + 0.1, 0.45)
    return [enter(frame.assign(p_tampered=p)) for frame, p in zip(frames, scores, strict=True)]


@pytest.fixture(scope="session")
def beside():
    """What the data set `chest` is set beside."""
    return {"chest": PublishedParams(paper="alsabbagh")}
