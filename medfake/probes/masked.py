"""Can the class still be told when the manipulated place is blanked?"""

from medfake.probes.answer import NOTHING, Answer, score
from medfake.probes.probe_input import ProbeInput
from medfake.probes.registry import probe
from medfake.probes.texture import fast_detector
from medfake.vocabulary import Manipulation, Split


@probe(
    "masked image",
    question="Can a fast detector tell the class when the site is blanked, and a random place in real slices?",
)
def masked(given: ProbeInput) -> Answer:
    """A linear model on lung noise, learnt and measured on slices with a 32 mm square blanked.

    The control is the same model on the slices as they are: when it does no better than chance, a masked figure near
    chance says nothing.
    """
    if all(given.rows(split).query("label == 1").manipulation.eq(Manipulation.GENERATED).all() for split in Split):
        return Answer(NOTHING, because="slices were made whole, and what is left of them is made as well")
    if not given.textures(Split.TRAIN).whole.std(axis=0).any():
        return Answer(NOTHING)
    seed, train = given.params.seed, given.rows(Split.TRAIN)
    blind = fast_detector(seed).fit(given.textures(Split.TRAIN).blanked, train.label)
    seeing = fast_detector(seed).fit(given.textures(Split.TRAIN).whole, train.label)
    val, test = (
        score(given, split, blind.predict_proba(given.textures(split).blanked)[:, 1])
        for split in (Split.VAL, Split.TEST)
    )
    control = score(given, Split.TEST, seeing.predict_proba(given.textures(Split.TEST).whole)[:, 1])
    return Answer(test, val=val, control=control)
