"""Arithmetic without `eval`: numbers, + - * / // % ** and parentheses, in double precision."""

from __future__ import annotations

import math
import re

LENGTH_LIMIT = 1_000
DEPTH_LIMIT = 50
NOT_FINITE = "the result is not a finite real number"
NOT_AN_EXPRESSION = "not an arithmetic expression"
TOKEN = re.compile(r"[ \t]*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<sign>\*\*|//|[-+*/%^()]))")


def evaluate(expression: str) -> str:
    """The value of an expression as text, whole numbers without a fraction."""
    try:
        value = Parser(expression).value()
    except ZeroDivisionError:
        raise ValueError("division by zero") from None
    except OverflowError:
        raise ValueError(NOT_FINITE) from None
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def finite(value: float | complex) -> float:
    if isinstance(value, complex) or not math.isfinite(value):
        raise ValueError(NOT_FINITE)
    return value


class Parser:
    """A recursive descent through the expression, loosest operators first."""

    def __init__(self, expression: str) -> None:
        self.tokens = self.split(expression)
        self.depth = 0

    @staticmethod
    def split(expression: str) -> list[str]:
        """The numbers and signs, last first."""
        text = expression.rstrip(" \t")
        if not text or len(expression) > LENGTH_LIMIT:
            raise ValueError(NOT_AN_EXPRESSION)
        tokens, position = [], 0
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise ValueError(NOT_AN_EXPRESSION)
            tokens.append(match["number"] or match["sign"].replace("^", "**"))
            position = match.end()
        return tokens[::-1]

    def value(self) -> float:
        value = self.sum()
        if self.tokens:
            raise ValueError(NOT_AN_EXPRESSION)
        return value

    def next_is(self, *signs: str) -> str | None:
        """Takes the next token if it is one of `signs`."""
        return self.tokens.pop() if self.tokens and self.tokens[-1] in signs else None

    def sum(self) -> float:
        value = self.product()
        while sign := self.next_is("+", "-"):
            right = self.product()
            value = finite(value + right if sign == "+" else value - right)
        return value

    def product(self) -> float:
        value = self.power()
        while sign := self.next_is("*", "/", "//", "%"):
            right = self.power()
            if sign == "*":
                value = finite(value * right)
            elif sign == "/":
                value = finite(value / right)
            elif sign == "//":
                value = finite(value // right)
            else:
                value = finite(value % right)
        return value

    def power(self) -> float:
        """Signs and `**`, which works from right to left: -2**-1**2 is -(2**(-(1**2)))."""
        operands = [self.operand()]
        while self.next_is("**"):
            operands.append(self.operand())
        value, negative = operands.pop()
        value = -value if negative else value
        for base, negative in reversed(operands):
            value = finite(base**value)
            value = -value if negative else value
        return value

    def operand(self) -> tuple[float, bool]:
        """A number or a parenthesis, and whether it has a minus before it."""
        negative = False
        while sign := self.next_is("+", "-"):
            negative ^= sign == "-"
        return self.atom(), negative

    def atom(self) -> float:
        token = self.tokens.pop() if self.tokens else ""
        if token == "(":
            self.depth += 1
            if self.depth > DEPTH_LIMIT:
                raise ValueError(NOT_AN_EXPRESSION)
            value = self.sum()
            self.depth -= 1
            if not self.next_is(")"):
                raise ValueError(NOT_AN_EXPRESSION)
            return value
        if token[:1] in tuple("0123456789."):
            return finite(float(token))
        raise ValueError(NOT_AN_EXPRESSION)
