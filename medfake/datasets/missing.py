"""Raw data that a study needs and that nobody has put there yet; DVC stops at it without a word on what it is."""

from pathlib import Path

from medfake.config import Params
from medfake.datasets.reading import missing_source
from medfake.datasets.source_files import sources_of
from medfake.errors import SourceError
from medfake.files import path_text


def missing_sources(params: Params, raw: Path) -> list[SourceError]:
    """One error for each folder of raw data that is not there and that no stage makes.

    Args:
        params: Of the study, its paths absolute.
        raw: Below which the stages phantom, forge and generate write, a folder a name.

    Returns:
        Errors with where public sets are to be had and where they belong, in the order of params.yaml.
    """
    made = [raw / name for name in (*params.phantom, *params.forged, *params.generators)]
    found: dict[Path, SourceError] = {}
    named = [(Path(forged.reals), f"forged.{name}.reals") for name, forged in params.forged.items()]
    for key, blocks in (("inpainters", params.inpainters), ("banks", params.banks)):
        named += [(Path(one), f"{key}.{name}.reals") for name, block in blocks.items() for one in block.reals]
    for path, key in named:
        if _is_missing(path, made):
            found[path] = SourceError(
                "the folder of real scans is missing", where=path_text(path),
                remedy=f"put real CT scans there, or mend the path, which is {key} in params.yaml",
            )  # fmt: skip
    for dataset in params.datasets.values():
        for source in sources_of(dataset).values():
            path = Path(source.path)
            if _is_missing(path, made):
                found.setdefault(path, missing_source(path, source.kind))
    return list(found.values())


def _is_missing(path: Path, made: list[Path]) -> bool:
    return not path.exists() and not any(path.is_relative_to(one) for one in made)
