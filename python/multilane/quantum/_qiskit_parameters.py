"""Reads the parameters and expressions of Qiskit's gates as angles."""

from __future__ import annotations

import ast
from typing import Any

from qiskit.circuit import Parameter, ParameterExpression

from multilane.errors import CircuitError
from multilane.quantum._circuit import Angle

__all__ = ["angle_of"]

#: Qiskit's names of functions, as it writes them, and ours.
_FUNCTIONS = {
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "exp": "exp",
    "log": "log",
}


def angle_of(expression: ParameterExpression) -> float | Angle:
    """Return an expression as a number, when it has no parameters, or as an angle."""
    if not expression.parameters:
        return float(expression)
    if isinstance(expression, Parameter):
        return Angle.parameter(expression.name)
    # What an expression is made of is told by its text only; other names make that Python's.
    names = {f"p{number}": parameter for number, parameter in enumerate(expression.parameters)}
    text = str(expression.subs({parameter: Parameter(name) for name, parameter in names.items()}))
    angles = {name: Angle.parameter(parameter.name) for name, parameter in names.items()}
    try:
        read: float | Angle = _read(ast.parse(text, mode="eval").body, angles)
    except (SyntaxError, _Unknown):
        raise CircuitError(f"the angle `{expression}` cannot be read; bind its parameters first") from None
    return read


class _Unknown(Exception):
    """Angles have nothing of the kind."""


def _read(node: ast.expr, angles: dict[str, Angle]) -> Any:
    match node:
        case ast.Name(id=name):
            return angles[name]
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_read(operand, angles)
        case ast.Call(func=ast.Name(id=name), args=[argument]) if name in _FUNCTIONS:
            return _angle(_read(argument, angles)).apply(_FUNCTIONS[name])
        case ast.BinOp(left=left, op=operator, right=right):
            one, two = _read(left, angles), _read(right, angles)
            match operator:
                case ast.Add():
                    return one + two
                case ast.Sub():
                    return one - two
                case ast.Mult():
                    return one * two
                case ast.Div():
                    return one / two
                case ast.Pow():
                    return _angle(one) ** two
    raise _Unknown


def _angle(part: float | Angle) -> Angle:
    """Return a number as an angle that operators of angles can be asked of."""
    return part if isinstance(part, Angle) else Angle.number(part)
