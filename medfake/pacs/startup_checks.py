"""What has to be in order before a station begins, and no file of settings can say by itself."""

import threading
from typing import TYPE_CHECKING, Final

from medfake.errors import ConfigError, MedfakeError, RegistryError
from medfake.files import in_a_word
from medfake.pacs.settings import PacsSettings
from medfake.serving.calibration import read_calibration

if TYPE_CHECKING:
    from medfake.pacs.station import Station

DETECTOR_S: Final = 60.0
"""Within which a detector is opened."""


def require_usable(settings: PacsSettings) -> None:
    """See to it that calibrations that routes name can be read.

    Whether a calibration is of the detector is another matter, as that may change while a station runs; reports say it.

    Raises:
        ConfigError: One cannot.
    """
    for route in settings.routes:
        if route.calibration is None:
            continue
        try:
            read_calibration(route.calibration)
        except (MedfakeError, OSError) as error:
            said = in_a_word(error) if isinstance(error, OSError) else _in_full(error)
            raise ConfigError(
                "a route has a calibration that cannot be used", where=f"pacs.yaml, routes, {route.name}, calibration",
                received=said, remedy="medfake calibrate FOLDER --out FILE writes one; or leave the key out",
            ) from None  # fmt: skip


def require_detector(station: "Station", ended: threading.Event) -> None:
    """Wait until a detector is open, or somebody ends the program.

    Raises:
        RegistryError: None is in time.
    """
    if station.wait_until_ready(DETECTOR_S, ended) or ended.is_set():
        return
    named = station.settings.model
    raise RegistryError(
        "there is no detector to judge with", where=f"pacs.yaml, model: {named}" if named else None,
        received=station.detector,
        remedy="`model` in pacs.yaml is what medfake scan --model takes: a package's folder, builtin, or a version or "
        "alias of this project's registry (medfake registry); medfake scan --model says more",
    )  # fmt: skip


def _in_full(error: MedfakeError) -> str:
    return error.what if error.received is None else f"{error.what}: {error.received}"
