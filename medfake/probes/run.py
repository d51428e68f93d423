"""Every probe of one data set."""

from collections.abc import Sequence

from threadpoolctl import threadpool_limits

from medfake.config import ProbesParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.folds import dataset_of_fold, fold_numbers
from medfake.probes.answer import Answer
from medfake.probes.outcome import judge
from medfake.probes.over_folds import mean_answer
from medfake.probes.probe_input import ProbeInput
from medfake.probes.registry import PROBES, Probe
from medfake.probes.report import Finding, ProbeReport
from medfake.vocabulary import Split, Task


def run_probes(data: Dataset, params: ProbesParams) -> ProbeReport:
    """Ask every probe; the test split is only measured, and chooses nothing.

    Where there is no test split, every fold is tested by what was learnt from the others, and answers are averaged.
    """
    folds = () if Split.TEST in data.parts else fold_numbers(data)
    given = [ProbeInput(dataset_of_fold(data, fold), params) for fold in folds] or [ProbeInput(data, params)]
    with threadpool_limits(1):  # threads that wait for each other make small tables slow
        findings = tuple(_finding(one, _look(one, given), params.limit, data.task) for one in PROBES.values())
    return ProbeReport(data.name, data.digest, data.evidence, params.limit, findings)


def _look(asked: Probe, given: Sequence[ProbeInput]) -> Answer:
    answers = [asked.look(one) for one in given]
    return answers[0] if len(answers) == 1 else mean_answer(answers)


def _finding(asked: Probe, answer: Answer, limit: float, task: Task) -> Finding:
    outcome, sentence = judge(answer, limit, asked.means.format(cue=task.cue))
    return Finding(asked.name, asked.question, answer.score, answer.val, answer.control, outcome, sentence)
