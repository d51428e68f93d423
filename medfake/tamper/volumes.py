"""What manipulations are given of a series that was read, and how files are made of it again.

Values as read of MR and X-ray are scaled slice by slice, which nothing can take back: manipulations work on what is
stored. Of a radiograph whose dense things are dark it is turned round before and after, so that dense is bright.
"""

import numpy as np

from medfake.dicom.reader import read_stored, read_volume
from medfake.dicom.series import Series
from medfake.errors import SourceError
from medfake.tamper.site import Volume
from medfake.vocabulary import Modality

_HELD = np.iinfo(np.int16)


def volume_of(series: Series) -> Volume:
    """Pixels of a series for manipulations.

    Returns:
        (slices, rows, cols) int16: Hounsfield units of CT; of MR and X-ray stored values, dense is bright.

    Raises:
        SourceError: Stored values are beyond what 16 bits with a sign hold.
    """
    if series.modality is Modality.CT:
        return read_volume(series.headers)
    stored = read_stored(series.headers)
    lowest, highest = int(stored.min()), int(stored.max())
    if lowest < _HELD.min or highest > _HELD.max:
        raise SourceError(
            f"stored values beyond {_HELD.min}..{_HELD.max} cannot be manipulated", where=series.folder,
            received=f"{lowest}..{highest}", remedy="leave this scan out of the reals",
        )  # fmt: skip
    return _turned(stored.astype(np.int16), series)


def written_of(volume: Volume, series: Series) -> Volume:
    """What the writer takes of such a volume, manipulated or not."""
    return volume if series.modality is Modality.CT else _turned(volume, series)


def _turned(values: Volume, series: Series) -> Volume:
    """Turned round where dense is dark; twice is as before."""
    first = series.headers[0]
    if series.modality is not Modality.XRAY or not first.dense_is_dark:
        return values
    ends = -1 if first.signed else (1 << first.bits_stored) - 1  # lowest and highest stored value, added
    turned: Volume = (ends - values.astype(np.int32)).astype(np.int16)
    return turned
