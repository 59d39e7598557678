"""Reads Qiskit's conditions as what ours can say: some classical bits have a value, or do not have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qiskit.circuit import ClassicalRegister, Clbit
from qiskit.circuit.classical import expr, types

from multilane.errors import CircuitError

__all__ = ["Test", "of_condition", "of_target", "opposite", "together"]

#: Classical bits, the least significant first, a value, and whether they must not have it.
Test = tuple[tuple[int, ...], int, bool]

_AND = {expr.Binary.Op.LOGIC_AND, expr.Binary.Op.BIT_AND}
_OR = {expr.Binary.Op.LOGIC_OR, expr.Binary.Op.BIT_OR}
_NOT = {expr.Unary.Op.LOGIC_NOT, expr.Unary.Op.BIT_NOT}


def of_condition(condition: Any, clbits: Mapping[Clbit, int]) -> Test:
    """Return what the condition of an `if` asks for."""
    if not isinstance(condition, expr.Expr):
        target, value = condition
        return of_target(target, clbits), int(value), False
    return _of(condition, clbits)


def of_target(target: Any, clbits: Mapping[Clbit, int]) -> tuple[int, ...]:
    """Return the numbers of the bits that something stands for, the least significant first."""
    if isinstance(target, expr.Cast):
        return of_target(target.operand, clbits)
    if isinstance(target, expr.Var):
        target = target.var
    if isinstance(target, Clbit):
        return (clbits[target],)
    if isinstance(target, ClassicalRegister):
        return tuple(clbits[bit] for bit in target)
    if isinstance(target, expr.Index) and isinstance(target.index, expr.Value):
        return (of_target(target.target, clbits)[target.index.value],)
    raise _unsaid(target)


def opposite(test: Test) -> Test:
    """Return the test that holds when this one does not."""
    bits, value, differs = test
    return bits, value, not differs


def together(first: Test | None, second: Test) -> Test:
    """Return the test that holds when both do."""
    if first is None:
        return second
    tests = [_plain(first), _plain(second)]
    for test, other in (tests, tests[::-1]):
        if _always(test):
            return other
        if _always(opposite(test)):
            return test
    if any(differs for _, _, differs in tests):
        raise CircuitError(
            "a condition within another one cannot be read when one says that several bits do not have a value; "
            "write it out in values that they have"
        )
    wanted: dict[int, int] = {}
    for bits, value, _ in tests:
        for place, bit in enumerate(bits):
            if wanted.setdefault(bit, value >> place & 1) != value >> place & 1:
                return _never(bits)
    return tuple(wanted), sum(one << place for place, one in enumerate(wanted.values())), False


def _plain(test: Test) -> Test:
    """Return the test of one bit as a value that it has."""
    bits, value, differs = test
    return (bits, 1 - value, False) if differs and len(bits) == 1 and value < 2 else test


def _always(test: Test) -> bool:
    bits, value, differs = test
    return differs and value >> len(bits) != 0


def _never(bits: tuple[int, ...]) -> Test:
    return bits, 1 << len(bits), False


def _of(condition: Any, clbits: Mapping[Clbit, int]) -> Test:
    match condition:
        case expr.Value(value=value) if isinstance(condition.type, types.Bool) and clbits:
            never = _never((0,))
            return opposite(never) if value else never
        case expr.Unary(op=op, operand=operand) if op in _NOT and isinstance(condition.type, types.Bool):
            return opposite(_of(operand, clbits))
        case expr.Binary(op=op, left=left, right=right) if op in _AND and isinstance(condition.type, types.Bool):
            return together(_of(left, clbits), _of(right, clbits))
        case expr.Binary(op=op, left=left, right=right) if op in _OR and isinstance(condition.type, types.Bool):
            return opposite(together(opposite(_of(left, clbits)), opposite(_of(right, clbits))))
        case expr.Binary(op=expr.Binary.Op.EQUAL, left=left, right=right):
            return _compared(left, right, clbits)
        case expr.Binary(op=expr.Binary.Op.NOT_EQUAL, left=left, right=right):
            return opposite(_compared(left, right, clbits))
        case expr.Cast(operand=operand) if isinstance(operand.type, types.Bool):
            return _of(operand, clbits)
        case expr.Var() | expr.Index() | expr.Cast():
            return of_target(condition, clbits), 0, True
    raise _unsaid(condition)


def _compared(left: Any, right: Any, clbits: Mapping[Clbit, int]) -> Test:
    while isinstance(right, expr.Cast):
        right = right.operand
    if isinstance(left, expr.Value):
        left, right = right, left
    if not isinstance(right, expr.Value):
        raise _unsaid(right)
    return of_target(left, clbits), int(right.value), False


def _unsaid(what: Any) -> CircuitError:
    return CircuitError(
        f"the condition {what!r} cannot be read; compare classical bits or a register with a number, "
        "and join such comparisons with `and`"
    )
