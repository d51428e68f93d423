"""What a real caller says, changed, and requests that nobody expects: the listener goes on, and nothing is left."""

import random
import struct

import pytest
from pydicom.dataset import Dataset
from pynetdicom.dsutils import encode

from tests.fixtures.hostile_callers import first_of, is_well, part_of, say, split
from tests.fixtures.listening import CT, Listening, ct_object

pytestmark = pytest.mark.usefixtures("nothing_is_printed")

COMMANDS = (
    0x0001, 0x0010, 0x0020, 0x0021, 0x0030, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150, 0x0FFF, 0x8001, 0x8030,
    0x8100, 0x1234,
)  # fmt: skip
"""C-STORE to N-DELETE, C-CANCEL, some answers that nobody asked for, and what is none (PS3.7 E.1)."""
_RUNS = 300


@pytest.mark.parametrize("has_data", [False, True])
@pytest.mark.parametrize("field", COMMANDS)
def test_requests_of_every_kind(
    impatient_listener: Listening, caller_stream: bytes, field: int, has_data: bool
) -> None:
    request, first, *_ = split(caller_stream)
    context = first[10]
    command = Dataset()
    command.AffectedSOPClassUID = command.RequestedSOPClassUID = CT
    command.AffectedSOPInstanceUID = command.RequestedSOPInstanceUID = "1.2.3.9"
    command.CommandField, command.MessageID, command.MessageIDBeingRespondedTo = field, 1, 1
    command.Priority, command.Status, command.MoveDestination = 2, 0, "OTHER"
    command.EventTypeID = command.ActionTypeID = 1
    command.CommandDataSetType = 1 if has_data else 0x0101
    said = part_of(context, 3, encode(command, True, True) or b"")
    if has_data:
        said += part_of(context, 2, encode(ct_object(), False, True) or b"")
    assert say(impatient_listener, request + said * 3, len(request))
    assert is_well(impatient_listener)


@pytest.mark.slow(minutes=1)
def test_changed_streams_of_a_real_caller(impatient_listener: Listening, caller_stream: bytes) -> None:
    rng = random.Random(20)  # noqa: S311 - likewise
    for _ in range(_RUNS):
        said = changed(caller_stream, rng)
        assert say(impatient_listener, said, first_of(said))
    assert is_well(impatient_listener)
    assert impatient_listener.counts.objects > _RUNS / 10
    assert impatient_listener.counts.refused > _RUNS / 100


def changed(stream: bytes, rng: random.Random) -> bytes:
    """A stream with some bytes, lengths, types or contexts of it changed, or parts twice, elsewhere or missing."""
    pdus = [bytearray(one) for one in split(stream)]
    for _ in range(rng.randrange(1, 4)):
        pdu = rng.choice(pdus)
        match rng.randrange(9):
            case 0:
                pdu[rng.randrange(len(pdu))] = rng.randrange(256)
            case 1:  # its length
                length = rng.choice([0, 1, 4, len(pdu) - 7, len(pdu), 1 << 20, (1 << 32) - 1])
                pdu[2:6] = struct.pack(">L", length)
            case 2:  # its type
                pdu[0] = rng.randrange(9)
            case 3 if len(pdu) > 12 and pdu[0] == 4:  # length, context or control byte of its first part
                place = rng.randrange(6, 12)
                pdu[place] = rng.choice([0, 1, 2, 3, 255, rng.randrange(256)])
            case 4:
                del pdu[rng.randrange(len(pdu)) :]
            case 5:
                pdus.remove(pdu)
                if not pdus:
                    return b""
            case 6:
                pdus.insert(rng.randrange(len(pdus)), bytearray(pdu))
            case 7:
                rng.shuffle(pdus)
            case _:  # a few bytes near the front, where commands, tags and lengths stand
                for _ in range(5):
                    pdu[rng.randrange(min(len(pdu), 200))] = rng.randrange(256)
        pdus = [one for one in pdus if len(one) > 6] or [bytearray(stream[:10])]
    return b"".join(pdus)
