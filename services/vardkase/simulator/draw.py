"""How a scenario says "about so much": ranges, skewed spreads and shares, and how a value is drawn from each.

Every draw takes the random generator as an argument, so that a run is decided by its seed alone.
"""

import math
from collections.abc import Hashable, Mapping
from itertools import accumulate
from random import Random
from typing import Annotated, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from vardkase_contracts.instants import HOUR, MINUTE, SECOND

Share = Annotated[float, Field(ge=0, le=1)]
"""A probability, or a part of a whole: 0 to 1."""
Positive = Annotated[float, Field(gt=0, le=1_000_000)]
"""A number above 0."""

_Key = TypeVar("_Key", bound=Hashable)


class Settings(BaseModel):
    """A part of a scenario: frozen, and an unknown field is an error, so that a misspelt one is found."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class Range(Settings):
    """Anything between two bounds, all equally likely."""

    low: float = Field(ge=-1_000_000, le=1_000_000)
    """The least."""
    high: float = Field(ge=-1_000_000, le=1_000_000)
    """The greatest."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self

    def draw(self, rng: Random) -> float:
        """A value, in the range's own unit."""
        return self.low + (self.high - self.low) * rng.random()


class Spread(Settings):
    """A typical value with a long tail above it (log-normal), cut off at two bounds."""

    median: Positive
    """Half of the values are below it."""
    sigma: float = Field(ge=0, le=3)
    """How wide: two thirds lie between median / e^sigma and median * e^sigma. 0: always the median."""
    low: float = Field(ge=0, le=1_000_000)
    """The least."""
    high: Positive
    """The greatest."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.median <= self.high:
            raise ValueError("the median is outside low and high")
        return self

    def draw(self, rng: Random) -> float:
        """A value, in the spread's own unit."""
        return min(max(self.median * math.exp(rng.gauss(0.0, self.sigma)), self.low), self.high)


def _whole(shares: Mapping[_Key, float]) -> Mapping[_Key, float]:
    if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise ValueError("the shares do not add up to 1")
    return shares


Whole = AfterValidator(_whole)
"""Beside a mapping of shares: they add up to 1."""


class Choice(Generic[_Key]):
    """One of several values, by their shares."""

    __slots__ = ("_cumulative", "_values")

    def __init__(self, shares: Mapping[_Key, float]) -> None:
        self._values = list(shares)
        self._cumulative = list(accumulate(shares.values()))

    def draw(self, rng: Random) -> _Key:
        """One of the values."""
        return rng.choices(self._values, cum_weights=self._cumulative)[0]


def seconds(amount: float) -> int:
    """Seconds as a duration in microseconds, in whole seconds: what people and phones tell time in."""
    return round(amount) * SECOND


def minutes(amount: float) -> int:
    """Minutes as a duration in microseconds, in whole seconds."""
    return round(amount * (MINUTE // SECOND)) * SECOND


def rounded_up(at: int, step: int) -> int:
    """The instant, or the first after it, that is a whole number of steps: people name times in round figures."""
    return -(-at // step) * step


def hours(amount: float) -> int:
    """Hours as a duration in microseconds, in whole seconds."""
    return round(amount * (HOUR // SECOND)) * SECOND
