"""Messages that know their parts."""

from __future__ import annotations

import copy
import pickle

import pytest

from gdfast.errors import Argument, Entry, Message, Part, joined, said


def shout(part: Part) -> str:
    return f"<{part}>".upper()


def test_a_message_is_a_string_and_keeps_its_parts() -> None:
    message = Message("write ", Argument("batch_size", None), " or ", Argument("l1"), f", not {1 + 1}")
    assert message == "write batch_size=None or l1, not 2"
    assert message.said(shout) == "write <BATCH_SIZE=NONE> or <L1>, not 2"
    assert isinstance(message, str)


def test_values_are_written_as_python_writes_them() -> None:
    written = {"a='b'": "b", "a=None": None, "a=True": True, "a=3": 3, "a=0.1": 0.1, "a=1e-09": 1e-9}
    assert [str(Argument("a", value)) for value in written.values()] == list(written)


def test_messages_in_messages() -> None:
    inner = Message(Entry("sample_weight", (3,)), " is -1")
    assert joined([inner, "", Message("Write ", Argument("l2"), ".")]).said(shout) == (
        "<SAMPLE_WEIGHT[3]> is -1 Write <L2>."
    )
    assert joined([]) == ""


@pytest.mark.parametrize("kind", [ValueError, TypeError, ArithmeticError])
def test_any_exception_carries_one(kind: type[Exception]) -> None:
    error = kind(Message(Entry("x", (0, 2)), " is nan"))
    assert str(error) == "x[0, 2] is nan"
    for same in (error, pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert said(same, shout) == "<X[0, 2]> is nan"


def test_what_is_no_message_is_said_as_it_is() -> None:
    assert said(ValueError("l1 is bad"), shout) == "l1 is bad"
    assert said("plain", shout) == "plain"
    assert said(KeyError(), shout) == ""
