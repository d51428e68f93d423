"""All guards of a data set through Great Expectations, and what they found."""

import logging
import os
import warnings
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medfake.checks.guards.registry import GUARDS, Findings, Guard, all_guards
from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.errors import CheckFailedError
from medfake.files import read_json, write_json
from medfake.remedies import Stage, make, rerun

SCHEMA_VERSION = 1
_COUNTED = {"result_format": "BASIC", "partial_unexpected_count": 3}
"""Counts and values cost nothing beyond the verdict. Naming the rows, too (SUMMARY, COMPLETE), takes 50 times as long
where many are broken, so guards name their slices themselves."""
_TOLD = 5


@dataclass(frozen=True)
class RuleResult:
    """What became of one rule.

    Attributes:
        broken: Expectations that failed, by name and column, with Great Expectations' count of the rows that broke them
            and up to three of their values.
        waived: Why the rule asks for nothing here, "" where it holds in full.
    """

    name: str
    rule: str
    passed: bool
    figures: str
    remedy: str
    broken: tuple[str, ...]
    waived: str = ""


@dataclass(frozen=True)
class CheckReport:
    """All rules of one data set."""

    dataset: str
    dataset_sha256: str
    results: tuple[RuleResult, ...]

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """Broken rules."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def asked(self) -> tuple[RuleResult, ...]:
        """Rules that ask for something here."""
        return tuple(result for result in self.results if not result.waived)

    @property
    def readable(self) -> bool:
        """Whether the table could be read by every guard: none that blocks others is broken."""
        return not any(GUARDS[one.name].blocks for one in self.failed)

    def write(self, path: Path) -> None:
        """Write JSON, byte-stable."""
        summary = {"rules": len(self.results), "failed": len(self.failed)}
        write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(self), **summary})

    def raise_if_failed(self) -> None:
        """Stop when a rule is broken.

        Raises:
            CheckFailedError: The first five broken rules with their figures and remedies, then a count.
        """
        if not self.failed:
            return
        told = [f"{one.name}: {one.rule}" for one in self.failed[:_TOLD]]
        more = len(self.failed) - _TOLD
        raise CheckFailedError(
            "broken rule: " + "; ".join(told) + (f"; and {more} more" if more > 0 else ""),
            where=f"data set {self.dataset}",
            received="; ".join(one.figures for one in self.failed[:_TOLD]),
            remedy="; ".join(dict.fromkeys(one.remedy for one in self.failed[:_TOLD])),
        )


def read_report(path: Path) -> CheckReport:
    """Read what `CheckReport.write` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    return read_json(
        path, _report_of, missing="the data set was not checked", damaged="the report of the guards cannot be read",
        make=make(Stage.CHECK, path.stem), again=rerun(Stage.CHECK, path.stem),
    )  # fmt: skip


def _report_of(values: Any) -> CheckReport:
    results = tuple(RuleResult(**{**one, "broken": tuple(one["broken"])}) for one in values["results"])
    return CheckReport(values["dataset"], values["dataset_sha256"], results)


def run_checks(folder: Path, params: DatasetParams, guards: Collection[str] | None = None) -> CheckReport:
    """Look at the guards of a data set on disk.

    Args:
        folder: What `build_dataset` wrote.
        params: The data set's block of params.yaml.
        guards: Names of those to look at; all unless told otherwise.

    Raises:
        ManifestError: The data set is not whole.
    """
    return check_dataset(Dataset.open(folder), params, guards)


def check_dataset(data: Dataset, params: DatasetParams, guards: Collection[str] | None = None) -> CheckReport:
    """Look at the guards of an open data set; arguments as for `run_checks`."""
    tables = _tables()
    results: list[RuleResult] = []
    for one in all_guards():
        if guards is not None and one.name not in guards:
            continue
        results.append(_result(tables, one, one.look(data, params), one.remedy_for(data.name)))
        if one.blocks and not results[-1].passed:
            break  # the guards that follow could not read such a table
    return CheckReport(data.name, data.digest, tuple(results))


def _tables() -> Any:
    """A data source for tables in an ephemeral context: nothing on disk, nothing sent, no bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn about other libraries
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        logging.getLogger("great_expectations").propagate = False  # it talks of temporary folders
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context.data_sources.add_pandas("checks")


def _result(tables: Any, guard: Guard, findings: Findings, remedy: str) -> RuleResult:
    import great_expectations as gx

    if not findings.expectations:
        return RuleResult(guard.name, guard.rule, True, findings.figures, remedy, (), findings.waived)
    asset = tables.add_dataframe_asset(guard.name)
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": findings.table})
    suite = gx.ExpectationSuite(name=guard.name, expectations=findings.expectations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations between pandas and Great Expectations
        outcome = batch.validate(suite, result_format=_COUNTED)
    broken = tuple(_counted(one) for one in outcome.results if not one.success)
    return RuleResult(guard.name, guard.rule, not broken, findings.figures, remedy, broken, findings.waived)


def _counted(outcome: Any) -> str:
    kwargs, result = outcome.expectation_config.kwargs, outcome.result
    columns = [str(kwargs[key]) for key in ("column", "column_A", "column_B") if kwargs.get(key) is not None]
    name = f"{outcome.expectation_config.type}({', '.join(columns)})" if columns else outcome.expectation_config.type
    if "unexpected_count" not in result:
        return f"{name}: {result.get('observed_value', 'not looked at')}"
    values = [_value(value) for value in result["partial_unexpected_list"] if value is not None]
    like = f", e.g. {', '.join(dict.fromkeys(values))}" if values else ""
    return f"{name}: {result['unexpected_count']} of {result['element_count']} rows{like}"


def _value(value: Any) -> str:
    return " against ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
