"""What is one measured number? Its value, unit, formula in words, and what went into it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a scorecard; ``value`` is None where there is nothing to measure.

    Attributes
    ----------
    value, unit:
        The number and what it counts (``share``, ``grids``, ``m`` ...).
    formula:
        How the value follows from the inputs, in words.
    inputs:
        The numbers that went in, by name.
    """

    value: float | None
    unit: str
    formula: str
    inputs: Mapping[str, float | None] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the figure, ready for JSON."""
        return {"value": self.value, "unit": self.unit, "formula": self.formula, "inputs": dict(self.inputs)}


def share(part: float, whole: float, formula: str, **inputs: float | None) -> Figure:
    """Return a part over a whole, with both as inputs; missing where the whole is nothing."""
    value = float(part) / float(whole) if whole else None
    return Figure(value, "share", formula, {"part": plain(part), "whole": plain(whole), **inputs})


def count(number: float, unit: str, formula: str, **inputs: float | None) -> Figure:
    """Return a number of things."""
    return Figure(plain(number), unit, formula, inputs)


def plain(number: float) -> float:
    """Return a Python number: whole ones as integers, so that they are written without a point."""
    value = float(number)
    return int(value) if value.is_integer() else value
