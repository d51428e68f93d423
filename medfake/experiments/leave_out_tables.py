"""What judges said of scans and slices as tables: what their training had left out against what was tested."""

from collections.abc import Callable, Mapping, Sequence

from medfake.experiments.left_out_rows import NOT_NAMED, Members, family_row, maker_row
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.left_out import MeasuredScan, MeasuredSlice, figures_of_scans, figures_of_slices
from medfake.metrics.within_slice import Figure
from medfake.reports.leave_out import NOTHING, LeaveOut, LeaveOutMatrix

SaidOfScans = Sequence[Mapping[str, MeasuredScan]]
SaidOfSlices = Sequence[Mapping[str, MeasuredSlice]]
_Belongs = Callable[[MeasuredScan], bool]


def families_of_scans(
    scans: SaidOfScans, tested: Members, rows: Sequence[str], real_only: Sequence[str], bootstrap: Bootstrap
) -> list[LeaveOutMatrix]:
    """Whole scans by family: manipulated ones of a column's family against all untouched ones.

    Args:
        scans: By name of the training, scan by scan.
        tested: Manipulations by family; a family of which no scan was made has no column.
        rows: Families that were left out.
        real_only: Detectors that have seen real slices alone.
        bootstrap: How intervals are made.
    """
    done = {one.manipulation for said in scans for one in said.values()}
    columns = {name: frozenset(own) for name, own in tested.items() if done & set(own)}
    named = {NOTHING: NOTHING, **{name: family_row(name) for name in rows}, **{name: name for name in real_only}}

    def belongs(column: str) -> _Belongs:
        return lambda scan: not scan.manipulation or scan.manipulation in columns[column]

    return _of_scans("family", named, list(columns), belongs, scans, bootstrap, real_only)


def makers_of_scans(
    scans: SaidOfScans, maker_of: Mapping[str, str], rows: Sequence[str], bootstrap: Bootstrap
) -> list[LeaveOutMatrix]:
    """Whole scans by maker of the scanner; those of patients with several makers are not among them.

    Args:
        scans: By name of the training, scan by scan.
        maker_of: By patient.
        rows: Makers that were left out.
        bootstrap: How intervals are made.
    """
    found = {maker_of[one.patient] for said in scans for one in said.values() if one.patient in maker_of}
    named = {NOTHING: NOTHING, **{name: maker_row(name) for name in rows}}

    def belongs(column: str) -> _Belongs:
        return lambda scan: maker_of.get(scan.patient) == column

    return _of_scans("maker of the scanner", named, _unnamed_last(found), belongs, scans, bootstrap)


def makers_of_slices(slices: SaidOfSlices, rows: Sequence[str], bootstrap: Bootstrap) -> list[LeaveOutMatrix]:
    """Single slices by maker of the scanner; arguments as for `makers_of_scans`."""
    aucs, hits = [], []
    columns = _unnamed_last({one.maker for said in slices for one in said.values()})
    for row, judges in {NOTHING: NOTHING, **{name: maker_row(name) for name in rows}}.items():
        for column in columns:
            own = [said[judges] for said in slices if said[judges].maker == column]
            auc, hit = figures_of_slices(own, bootstrap)
            aucs.append(_cell(row, column, auc, len(own), len(own)))
            hits.append(_cell(row, column, hit, len(own)))
    return [
        LeaveOutMatrix.of("Slice AUC by maker of the scanner, single slices of the bank", aucs, "slices"),
        LeaveOutMatrix.of("Right place by maker of the scanner, single slices of the bank", hits, "slices"),
    ]


def _of_scans(
    by: str,
    rows: Mapping[str, str],
    columns: Sequence[str],
    belongs: Callable[[str], _Belongs],
    scans: SaidOfScans,
    bootstrap: Bootstrap,
    real_only: Sequence[str] = (),
) -> list[LeaveOutMatrix]:
    """Three tables; none where nothing was measured. Rows are names with those of their trainings."""
    of_scans, of_slices, hits = [], [], []
    for row, judges in rows.items():
        for column in columns:
            own = [said[judges] for said in scans if belongs(column)(said[judges])]
            figures = figures_of_scans(own, bootstrap)
            alone = row in real_only
            of_scans.append(_cell(row, column, figures.scan_auc, figures.forged, figures.untouched, real_only=alone))
            of_slices.append(_cell(row, column, figures.slice_auc, figures.shown, figures.clean, real_only=alone))
            hits.append(_cell(row, column, figures.hit_rate, figures.forged, real_only=alone))
    tables = [
        (f"Scan AUC by {by}, whole scans", of_scans, "scans"),
        (f"Slice AUC by {by}, slices of whole scans", of_slices, "slices"),
        (f"Right place by {by}, whole scans", hits, "scans"),
    ]
    return [LeaveOutMatrix.of(title, cells, unit) for title, cells, unit in tables if cells]


def _cell(
    row: str, column: str, figure: Figure, tampered: int, untouched: int | None = None, *, real_only: bool = False
) -> LeaveOut:
    low, high = (figure.interval.low, figure.interval.high) if figure.interval else (None, None)
    return LeaveOut(row, column, figure.value, low, high, tampered, untouched, real_only)


def _unnamed_last(makers: set[str]) -> list[str]:
    return sorted(makers, key=lambda name: (name == NOT_NAMED, name))
