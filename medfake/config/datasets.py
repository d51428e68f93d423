"""Blocks of params.yaml that say where slices come from and what is made of them."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, field_validator, model_validator

from medfake.config.paths import FromRoot
from medfake.config.section import Fraction, Name, Section, Word
from medfake.vocabulary import CLASSES, LabelCode, Manipulation, Modality, Split, Task

Folder = Annotated[str, FromRoot(of_experiment=True)]  # DVC looks for it there, as a dependency

LEAST_SLICES: Final = 16
"""Of a phantom's stack, so that sites keep away from its ends."""
UnknownLabels = Literal["stop", "leave_out"]
Identifiers = Literal["public", "private"]


class PhantomParams(Section):
    """A built-in phantom set: the LIDC-like and the CT-GAN tree of CT, a folder with labels.csv of MR and X-ray."""

    modality: Annotated[Modality, Word] = Field(default=Modality.CT, description="CT, MR or X-ray")
    seed: int = Field(ge=0)
    reals: int = Field(ge=1, description="patients that nobody tampered with; of CT those of the LIDC-like tree")
    fakes: dict[Annotated[LabelCode, Word], Annotated[int, Field(ge=0)]] = Field(
        description="labelled scans by type; of CT those of the CT-GAN tree"
    )
    slices: int = Field(ge=1, description="slices a scan: 16 or more, of X-ray 1")
    nodules: int = Field(default=1, ge=1, le=8, description="real ones, at most, of every other patient")
    outlines: bool = Field(
        default=False,
        description="whether nodules of the LIDC-like tree are outlined in XML, as LIDC-IDRI has it",
    )
    scanners: list[str] | None = Field(default=None, description="names of simulated scanners; null for all")

    @model_validator(mode="after")
    def _slices_suit(self) -> "PhantomParams":
        suits = self.slices >= LEAST_SLICES if self.modality.is_stack else self.slices == 1
        if not suits:
            wanted = f"at least {LEAST_SLICES}" if self.modality.is_stack else "1, as each image is a scan"
            message = f"slices of {self.modality} must be {wanted}, but got {self.slices}"
            raise ValueError(message)
        return self


class ForgedParams(Section):
    """Fakes that tamper/ makes out of real scans."""

    modality: Annotated[Modality, Word] = Field(default=Modality.CT, description="of the scans; others are left alone")
    seed: int = Field(ge=0)
    reals: Folder = Field(description="folder of real scans")
    scans_per_patient: int = Field(ge=1)
    manipulations: list[Name] = Field(
        min_length=1, description="injection, removal, or what another file of tamper/ registers"
    )
    inpainters: list[Name] = Field(
        default=[], description="names of inpainters, for manipulations that need a learned one"
    )


class SourceParams(Section):
    """A folder of scans and the kind of tree it is."""

    kind: Name = Field(
        description="ct_gan, lidc, folder, generated, or what another file of datasets/sources/ registers"
    )
    path: Folder
    min_slices: int | None = Field(
        default=None, ge=1, description="shorter series are left out; null for 3 of lidc and 1 of the other kinds"
    )
    unknown_labels: UnknownLabels = Field(
        default="stop",
        description="rows of a label file that name no scan stop the build, or are left out together with every scan "
        "that they may mean",
    )


class ExtentLabelling(Section):
    """Tampered within `tampered_mm` of a site; up to `ignore_mm` left out."""

    task: ClassVar[Task] = Task.TAMPERING
    rule: Literal["extent"]
    tampered_mm: float = Field(gt=0)
    ignore_mm: float = Field(gt=0)

    @model_validator(mode="after")
    def _band_has_width(self) -> "ExtentLabelling":
        if self.ignore_mm < self.tampered_mm:
            message = f"ignore_mm must be at least tampered_mm, but got {self.ignore_mm} < {self.tampered_mm}"
            raise ValueError(message)
        return self


class NeighboursLabelling(Section):
    """Tampered within `k` slices of a labelled one (Alsabbagh and Al-Kadi use 5)."""

    task: ClassVar[Task] = Task.TAMPERING
    rule: Literal["neighbours"]
    k: int = Field(ge=0)


class NodulesLabelling(Section):
    """Another task than tampering: label 1 where a reader outlined a nodule, 0 away from all of them.

    Slices of untampered scans whose nodules were looked for are used, and no others. LIDC-IDRI outlines nodules of 3 mm
    and more; slices near smaller ones, which have a mark alone, are of neither class.
    """

    task: ClassVar[Task] = Task.NODULES
    rule: Literal["nodules"]
    ignore_mm: float = Field(
        gt=0, description="slices without a nodule are at least so far from every outline and every mark of a small one"
    )


AnyLabelling = ExtentLabelling | NeighboursLabelling | NodulesLabelling


class ViewParams(Section, extra="allow"):
    """A view by name; the keys beside the name are its own options, which it checks itself."""

    name: Name = Field(description="whole, localized, delocalized, or what another file of datasets/views/ registers")


class AugmentParams(Section):
    """Copies of slices made after the split, alike for both classes (Solaiyappan and Wen, section 2)."""

    flips: bool = Field(default=True, description="over x, over y and over both")
    shift_px: int = Field(default=4, ge=0, description="shifts by so many pixels in all combinations; 0 for none")
    rotate_step_deg: int = Field(default=6, ge=0, lt=360, description="rotations in steps; 0 for none")
    splits: list[Annotated[Split, Word]] = Field(
        default=[Split.TRAIN], min_length=1, description="other splits than train only under a leaky protocol"
    )


class SplitParams(Section, extra="allow"):
    """How patients are dealt to train, val and test; further keys are the protocol's own options, which it checks."""

    protocol: Name = Field(description="grouped, replica, leave-generator-out, leave-scanner-out, or another")
    val: Fraction
    test: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="share; 0 only with folds, which test every patient once"
    )
    seed: int = Field(ge=0)
    folds: int | None = Field(
        default=None,
        ge=3,
        description="every detector is trained so many times more on train and val, patients apart: without one fold, "
        "which tests it, and without the next, which chooses its epochs and thresholds",
    )

    @model_validator(mode="after")
    def _train_remains(self) -> "SplitParams":
        if self.test == 0 and self.folds is None:
            message = "test may be 0 only where folds say how every patient is tested; give it a share, or set folds"
            raise ValueError(message)
        if self.val + self.test >= 1:
            message = f"val + test must leave something to train on, but got {self.val} + {self.test}"
            raise ValueError(message)
        return self


class BalanceParams(Section):
    """50:50 by down-sampling the larger class of every split."""

    tolerance: float = Field(ge=0, lt=0.5, description="largest allowed |share of tampered - 0.5|")
    seed: int = Field(ge=0)
    negatives: Literal["matched", "random", "nodules"] = Field(
        default="matched",
        description="matched: real slices like the tampered ones in source, place and lung area; nodules: those that "
        "hold the centre of an annotated nodule first, then those that show one, then matched ones",
    )


class ExpectedCounts(Section):
    """How much a source must hold."""

    scans: int | None = Field(default=None, ge=0)
    slices: int | None = Field(default=None, ge=0)


class PublishedParams(Section):
    """What a paper's figures a data set's are set beside."""

    paper: Name = Field(description="alsabbagh, solaiyappan or shree")
    setting: Name | None = Field(
        default=None, description="as its tables name it, e.g. localized-augmented; null for papers of one setting"
    )


class DatasetParams(Section):
    """Where a data set's slices come from and the rules they pass through."""

    reals: SourceParams
    fakes: SourceParams
    identifiers: Identifiers = Field(
        description="public: pseudonyms that agree on every machine, for sets that anyone may download; "
        "private: pseudonyms under a secret key of this user"
    )
    modality: Annotated[Modality, Word] = Field(
        default=Modality.CT, description="CT, MR or X-ray (CR and DX); images of others in the sources are left out"
    )
    labelling: Annotated[AnyLabelling, Field(discriminator="rule")]
    manipulations: list[Annotated[Manipulation, Word]] | None = Field(
        default=None, min_length=1, description="kinds of tampered slices that are kept; null for all"
    )
    classes: Literal[2, 3] = Field(default=2, description="3: untampered, removed and injected in equal parts")
    view: ViewParams = ViewParams(name="whole")
    augment: AugmentParams | None = None
    split: SplitParams
    balance: BalanceParams
    expect: dict[str, ExpectedCounts] | None = Field(default=None, description="by source, e.g. LIDC-IDRI")
    planned_slices: int | None = Field(
        default=None, ge=1, description="slices that it will hold, for `medfake study plan` before it is built"
    )
    published: PublishedParams | None = Field(
        default=None, description="whose figures stand beside those of this data set; null for none"
    )
    strict: bool = Field(default=False, description="what would be reported and left out stops the run instead")

    @property
    def task(self) -> Task:
        """What detectors of this data set are asked."""
        return self.labelling.task

    @field_validator("manipulations")
    @classmethod
    def _are_manipulations(cls, words: list[Manipulation] | None) -> list[Manipulation] | None:
        if Manipulation.NONE in (words or ()):
            message = f"{Manipulation.NONE} is no manipulation; real slices are always kept"
            raise ValueError(message)
        return words

    @model_validator(mode="after")
    def _three_classes_are_there(self) -> "DatasetParams":
        if self.classes == 3 and self.manipulations and not set(CLASSES[1:]) <= set(self.manipulations):
            message = (
                f"three classes need injected and removed slices, but manipulations are {', '.join(self.manipulations)}"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _nodules_have_no_fakes(self) -> "DatasetParams":
        if self.task is not Task.NODULES:
            return self
        if self.fakes != self.reals:
            message = (
                f"labelling.rule nodules uses no fakes, but fakes are {self.fakes.kind} of {self.fakes.path}: "
                "write the block of reals there, too (DVC looks for a path)"
            )
        elif self.manipulations is not None or self.classes == 3:
            message = "labelling.rule nodules has slices with a nodule and without: leave out manipulations and classes"
        elif self.balance.negatives == "nodules":
            message = (
                "labelling.rule nodules has no nodules in its negatives: set balance.negatives to matched or random"
            )
        else:
            return self
        raise ValueError(message)

    @model_validator(mode="after")
    def _one_folder_has_one_set_of_rules(self) -> "DatasetParams":
        if self.reals.path == self.fakes.path and self.reals != self.fakes:
            message = f"reals and fakes are both {self.reals.path}: give both the same kind and options"
            raise ValueError(message)
        return self
