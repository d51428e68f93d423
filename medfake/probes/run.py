"""Every probe of one data set."""

from threadpoolctl import threadpool_limits

from medfake.config import ProbesParams
from medfake.datasets.dataset import Dataset
from medfake.probes.answer import Answer
from medfake.probes.outcome import judge
from medfake.probes.probe_input import ProbeInput
from medfake.probes.registry import PROBES, Probe
from medfake.probes.report import Finding, ProbeReport


def run_probes(data: Dataset, params: ProbesParams) -> ProbeReport:
    """Ask every probe; the test split is only measured, and chooses nothing."""
    given = ProbeInput(data, params)
    with threadpool_limits(1):  # threads that wait for each other make small tables slow
        findings = tuple(_finding(one, one.look(given), params.limit) for one in PROBES.values())
    return ProbeReport(data.name, data.digest, data.evidence, params.limit, findings)


def _finding(asked: Probe, answer: Answer, limit: float) -> Finding:
    outcome, sentence = judge(answer, limit, asked.means)
    return Finding(asked.name, asked.question, answer.score, answer.val, answer.control, outcome, sentence)
