"""Simulated scanners: what differs between makers, kernels and protocols."""

from dataclasses import dataclass

from medfake.by_name import Registry


@dataclass(frozen=True)
class Scanner:
    """One simulated scanner with its protocol.

    Attributes:
        noise_hu: Standard deviation in soft tissue at the centre.
        cutoff: Frequency at which the noise spectrum falls off, cycles a pixel (Nyquist 0.5); sharp kernels are high.
        ramp: Exponent of the low-frequency side of the noise spectrum; filtered back projection has about 1.
        blur_px: In-plane point spread, standard deviation.
        spacing_mm: Of rows and columns.
        step_mm: Between slices; also the slice thickness.
        intercept: Rescale Intercept, HU.
        signed: Whether stored values are signed.
        padding_hu: Value outside the round field of view, None when the whole square is reconstructed.
    """

    name: str
    kernel: str
    noise_hu: float
    cutoff: float
    ramp: float
    blur_px: float
    spacing_mm: float
    step_mm: float
    intercept: int
    signed: bool
    padding_hu: int | None


SCANNERS: Registry[Scanner] = Registry("scanner", room=__name__, where="phantom.NAME.scanners in params.yaml")
for _scanner in (
    Scanner("Phantom A", "soft-30", 14.0, 0.18, 0.6, 0.9, 0.74, 2.5, -1024, False, None),
    Scanner("Phantom B", "sharp-60", 34.0, 0.34, 1.0, 0.55, 0.68, 2.0, -1024, False, None),
    Scanner("Phantom C", "standard", 22.0, 0.25, 0.8, 0.7, 0.70, 2.5, 0, True, -2000),
    Scanner("Phantom D", "lung-50", 28.0, 0.30, 0.9, 0.6, 0.78, 3.0, -1000, False, None),
):
    SCANNERS.add(_scanner.name, _scanner, _scanner)
