"""How far a job is."""

from pydantic import BaseModel, ConfigDict, Field


class Progress(BaseModel):
    """How far a job is; `scans` and `slices` are 0 until all headers are read."""

    model_config = ConfigDict(frozen=True)

    files: int = 0
    scans: int = 0
    scans_done: int = 0
    slices: int = 0
    slices_done: int = 0
    eta_s: float | None = Field(default=None, description="seconds; null until it can be guessed")
