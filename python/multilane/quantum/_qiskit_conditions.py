"""Reads Qiskit's conditions as what ours can say: some classical bits have a value, or do not have it.

A condition that is no such test, such as a comparison of two registers, becomes several of which never more than one
holds: its truth table is cut along the bits, the most significant first.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from qiskit.circuit import ClassicalRegister, Clbit
from qiskit.circuit.classical import expr, types

from multilane.errors import CircuitError

__all__ = ["Test", "cases", "none_of", "of_target", "together"]

#: Classical bits, the least significant first, a value, and whether they must not have it.
Test = tuple[tuple[int, ...], int, bool]

#: The most bits that a condition may be about, when it is no single test.
MOST_BITS = 12

_AND = {expr.Binary.Op.LOGIC_AND, expr.Binary.Op.BIT_AND}
_OR = {expr.Binary.Op.LOGIC_OR, expr.Binary.Op.BIT_OR}
_NOT = {expr.Unary.Op.LOGIC_NOT, expr.Unary.Op.BIT_NOT}

#: What the operations of two numbers are in Python; a result is cut to its width.
_NUMBERS: dict[Any, Callable[[int, int], int]] = {
    expr.Binary.Op.BIT_AND: operator.and_,
    expr.Binary.Op.BIT_OR: operator.or_,
    expr.Binary.Op.BIT_XOR: operator.xor,
    expr.Binary.Op.LOGIC_AND: lambda left, right: bool(left) and bool(right),
    expr.Binary.Op.LOGIC_OR: lambda left, right: bool(left) or bool(right),
    expr.Binary.Op.EQUAL: operator.eq,
    expr.Binary.Op.NOT_EQUAL: operator.ne,
    expr.Binary.Op.LESS: operator.lt,
    expr.Binary.Op.LESS_EQUAL: operator.le,
    expr.Binary.Op.GREATER: operator.gt,
    expr.Binary.Op.GREATER_EQUAL: operator.ge,
    expr.Binary.Op.SHIFT_LEFT: lambda left, right: left << min(right, 64),
    expr.Binary.Op.SHIFT_RIGHT: operator.rshift,
    expr.Binary.Op.ADD: operator.add,
    expr.Binary.Op.SUB: operator.sub,
    expr.Binary.Op.MUL: operator.mul,
}


def cases(condition: Any, clbits: Mapping[Clbit, int], *, holds: bool = True) -> list[Test]:
    """Return tests of which one holds where the condition does (or does not), and none elsewhere."""
    if not isinstance(condition, expr.Expr):
        target, value = condition
        return [(of_target(target, clbits), int(value), not holds)]
    test = _of(condition, clbits)
    if test is not None:
        return [test if holds else _opposite(test)]
    bits = _bits(condition, clbits)
    return list(_cut(bits, lambda values: bool(_number(condition, values, clbits)) == holds, condition))


def none_of(bits: tuple[int, ...], values: Sequence[int]) -> list[Test]:
    """Return tests of which one holds where bits have none of some values."""
    if len(values) < 2:
        # Bits that may have any value never have one that is too large.
        return [(bits, values[0] if values else 1 << len(bits), True)]
    excluded = frozenset(values)
    return list(_cut(bits[::-1], lambda known: _together(bits, known) not in excluded, f"none of {sorted(excluded)}"))


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


def together(first: Test | None, second: Test) -> list[Test]:
    """Return tests of which one holds where both of these do."""
    if first is None:
        return [second]
    test = _both(first, second)
    if test is not None:
        return [test]
    bits = tuple(dict.fromkeys((*first[0][::-1], *second[0][::-1])))
    return list(_cut(bits, lambda values: _holds(first, values) and _holds(second, values), "within another one"))


def _both(first: Test, second: Test) -> Test | None:
    """Return the test that holds when both do, where there is a single one."""
    tests = [_plain(first), _plain(second)]
    for test, other in (tests, tests[::-1]):
        if _always(test):
            return other
        if _always(_opposite(test)):
            return test
    if any(differs for _, _, differs in tests):
        return None
    wanted: dict[int, int] = {}
    for bits, value, _ in tests:
        for place, bit in enumerate(bits):
            if wanted.setdefault(bit, value >> place & 1) != value >> place & 1:
                return _never(bits)
    return tuple(wanted), sum(one << place for place, one in enumerate(wanted.values())), False


def _opposite(test: Test) -> Test:
    bits, value, differs = test
    return bits, value, not differs


def _plain(test: Test) -> Test:
    """Return the test of one bit as a value that it has."""
    bits, value, differs = test
    return (bits, 1 - value, False) if differs and len(bits) == 1 and value < 2 else test


def _always(test: Test) -> bool:
    bits, value, differs = test
    return differs and value >> len(bits) != 0


def _never(bits: tuple[int, ...]) -> Test:
    return bits, 1 << len(bits), False


def _holds(test: Test, values: Mapping[int, int]) -> bool:
    bits, value, differs = test
    return (_together(bits, values) == value) != differs


def _together(bits: Sequence[int], values: Mapping[int, int]) -> int:
    """Return the number that bits make, the least significant first."""
    return sum(values[bit] << place for place, bit in enumerate(bits))


def _cut(bits: Sequence[int], holds: Callable[[Mapping[int, int]], bool], what: object) -> Iterator[Test]:
    """Yield values of the first bits, as few as it takes, after which it is certain that something holds."""
    if len(bits) > MOST_BITS:
        raise CircuitError(
            f"the condition {what!s} is about {len(bits)} classical bits, and may be about {MOST_BITS}; compare fewer "
            "bits, or ask whether they have one value"
        )
    width = len(bits)
    table = [
        holds({bit: number >> (width - 1 - place) & 1 for place, bit in enumerate(bits)})
        for number in range(1 << width)
    ]

    def half(first: int, known: int) -> Iterator[Test]:
        size = 1 << (width - known)
        part = table[first : first + size]
        if all(part):
            # Without a bit to look at, something that always holds.
            number = first >> (width - known)
            yield (tuple(bits[:known][::-1]), number, False) if known else ((bits[0],), 2, True)
        elif any(part):
            yield from half(first, known + 1)
            yield from half(first + size // 2, known + 1)

    return half(0, 0)


def _of(condition: Any, clbits: Mapping[Clbit, int]) -> Test | None:
    """Return the condition as a single test, where it is one."""
    match condition:
        case expr.Value(value=value) if isinstance(condition.type, types.Bool) and clbits:
            never = _never((0,))
            return _opposite(never) if value else never
        case expr.Unary(op=op, operand=operand) if op in _NOT and isinstance(condition.type, types.Bool):
            test = _of(operand, clbits)
            return None if test is None else _opposite(test)
        case expr.Binary(op=op, left=left, right=right) if op in _AND and isinstance(condition.type, types.Bool):
            first, second = _of(left, clbits), _of(right, clbits)
            return None if first is None or second is None else _both(first, second)
        case expr.Binary(op=op, left=left, right=right) if op in _OR and isinstance(condition.type, types.Bool):
            first, second = _of(left, clbits), _of(right, clbits)
            neither = None if first is None or second is None else _both(_opposite(first), _opposite(second))
            return None if neither is None else _opposite(neither)
        case expr.Binary(op=expr.Binary.Op.EQUAL, left=left, right=right):
            return _compared(left, right, clbits)
        case expr.Binary(op=expr.Binary.Op.NOT_EQUAL, left=left, right=right):
            test = _compared(left, right, clbits)
            return None if test is None else _opposite(test)
        case expr.Cast(operand=operand) if isinstance(operand.type, types.Bool):
            return _of(operand, clbits)
        case expr.Var() | expr.Index() | expr.Cast() if (bits := _plain_bits(condition, clbits)) is not None:
            return bits, 0, True
    return None


def _compared(left: Any, right: Any, clbits: Mapping[Clbit, int]) -> Test | None:
    while isinstance(right, expr.Cast):
        right = right.operand
    if isinstance(left, expr.Value):
        left, right = right, left
    bits = _plain_bits(left, clbits)
    if not isinstance(right, expr.Value) or bits is None:
        return None
    return bits, int(right.value), False


def _plain_bits(target: Any, clbits: Mapping[Clbit, int]) -> tuple[int, ...] | None:
    try:
        return of_target(target, clbits)
    except CircuitError:
        return None


def _bits(condition: Any, clbits: Mapping[Clbit, int]) -> tuple[int, ...]:
    """Return the bits that a condition looks at, the most significant of its registers first."""
    found: dict[int, int] = {}

    def look(node: Any) -> None:
        if isinstance(node, expr.Var):
            for place, bit in enumerate(of_target(node, clbits)):
                found[bit] = max(place, found.get(bit, 0))
        for inner in ("left", "right", "operand", "target", "index"):
            if isinstance(getattr(node, inner, None), expr.Expr):
                look(getattr(node, inner))

    look(condition)
    return tuple(sorted(found, key=lambda bit: -found[bit]))


def _number(node: Any, values: Mapping[int, int], clbits: Mapping[Clbit, int]) -> int:
    """Return what a part of a condition comes to for these values of the bits."""
    match node:
        case expr.Value(value=value) if isinstance(node.type, (types.Bool, types.Uint)):
            return int(value)
        case expr.Var():
            return _together(of_target(node, clbits), values)
        case expr.Index(target=target, index=index):
            return _number(target, values, clbits) >> _number(index, values, clbits) & 1
        case expr.Cast(operand=operand):
            return _width(node, _number(operand, values, clbits))
        case expr.Unary(op=op, operand=operand) if op in _NOT:
            number = _number(operand, values, clbits)
            return int(not number) if isinstance(node.type, types.Bool) else _width(node, ~number)
        case expr.Binary(op=op, left=left, right=right) if op in _NUMBERS:
            return _width(node, _NUMBERS[op](_number(left, values, clbits), _number(right, values, clbits)))
    raise _unsaid(node)


def _width(node: Any, number: int) -> int:
    """Cut a number to the type that a part of a condition has."""
    if isinstance(node.type, types.Bool):
        return int(bool(number))
    if isinstance(node.type, types.Uint):
        width: int = node.type.width
        return int(number) & (1 << width) - 1
    raise _unsaid(node)


def _unsaid(what: Any) -> CircuitError:
    return CircuitError(
        f"the condition {what!r} cannot be read; a condition is made of classical bits, registers and whole numbers"
    )
