"""What scanners and reconstructions do: another calibration, noise, smoothing, another kernel, another matrix."""

from typing import Final

from medfake.robustness.registry import Given, Scale, Slice, graded
from medfake.tamper import degradations
from medfake.tamper.scanners import kernel_of

NOISE_HU: Final = 10.0
BLUR_PX: Final = 0.6
SMALLER_PERCENT: Final = 10.0


@graded(
    "hu-offset",
    says="all HU shifted",
    scale=Scale(unit="HU added everywhere", least=-300, most=300, usual=(-40, -20, 20, 40)),
)
def shift(given: Given, severity: float) -> Slice:
    """Add the same to every pixel."""
    return degradations.offset(given.hu, severity)


@graded(
    "noise",
    says="white noise of 10 HU added",
    scale=Scale(unit="HU of white noise added", least=0.1, most=500, usual=(5, 10, 20, 40), strength=NOISE_HU),
)
def add_noise(given: Given, severity: float) -> Slice:
    """Add white Gaussian noise."""
    return degradations.noisy(given.hu, severity, given.rng)


@graded(
    "denoised",
    says="noise taken out by an adaptive filter over 5 px",
    scale=Scale(unit="HU of noise taken out", least=0.1, most=500, usual=(5, 10, 20, 40)),
)
def take_noise_out(given: Given, severity: float) -> Slice:
    """Flatten what varies no more than noise of so many HU."""
    return degradations.denoised(given.hu, severity)


@graded(
    "blur",
    says="smoothed with a Gaussian of 0.6 px",
    scale=Scale(unit="px of the Gaussian", least=0.1, most=10, usual=(0.4, 0.6, 1.0, 1.5), strength=BLUR_PX),
)
def blur(given: Given, severity: float) -> Slice:
    """Smooth with a Gaussian."""
    return degradations.smoothed(given.hu, severity)


@graded(
    "kernel",
    says="reconstructed with a smoother or a sharper kernel",
    scale=Scale(unit="% of contrast won at the finest detail", least=-95, most=300, usual=(-60, -30, 50, 100)),
)
def other_kernel(given: Given, severity: float) -> Slice:
    """Multiply the spectrum by what tells two kernels apart; at the finest detail it is 1 + severity / 100."""
    made: Slice = kernel_of(1 + severity / 100).apply(given.hu[None], given.rng)[0]
    return made


@graded(
    "zoom",
    says="resampled to 0.9 of its rows and columns, cubic",
    scale=Scale(unit="% fewer rows and columns", least=0.1, most=80, usual=(10, 20, 40), strength=SMALLER_PERCENT),
)
def zoom(given: Given, severity: float) -> Slice:
    """Resample to fewer rows and columns with cubic splines; the field of view stays, pixels grow."""
    return degradations.resampled(given.hu, 1 - severity / 100)
