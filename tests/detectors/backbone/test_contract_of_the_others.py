"""The contract of `test_contract.py` for the other half of the networks."""

from tests.detectors.backbone.test_contract import HALVES, Contract


class TestTheOthers(Contract):
    networks = HALVES[1]
