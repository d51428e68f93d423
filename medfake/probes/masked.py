"""Can the class still be told when the manipulated place is blanked?"""

from medfake.probes.material import Material
from medfake.probes.registry import probe, score
from medfake.probes.texture import fast_detector
from medfake.probes.verdict import NOTHING, Answer


@probe(
    "masked image",
    question="Can a fast detector tell the class when the site is blanked, and a random place in real slices?",
)
def masked(material: Material) -> Answer:
    """A linear model on lung noise, learnt and measured on slices with a 32 mm square blanked.

    The control is the same model on the slices as they are: when it does no better than chance, a masked figure near
    chance says nothing.
    """
    if not material.textures("train").whole.std(axis=0).any():
        return Answer(NOTHING)
    seed, train = material.params.seed, material.rows("train")
    blind = fast_detector(seed).fit(material.textures("train").blanked, train.label)
    seeing = fast_detector(seed).fit(material.textures("train").whole, train.label)
    val, test = (
        score(material, split, blind.predict_proba(material.textures(split).blanked)[:, 1]) for split in ("val", "test")
    )
    control = score(material, "test", seeing.predict_proba(material.textures("test").whole)[:, 1])
    return Answer(test, val=val, control=control)
