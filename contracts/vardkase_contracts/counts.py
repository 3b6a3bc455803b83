"""Counts and sums in a picture. Every count of a kind says all its words, zeros too, and what is unknown apart."""

from vardkase_contracts.base import Count, Frozen


class LifecycleCounts(Frozen):
    """Points by lifecycle."""

    planned: Count
    """Planerade."""
    prepared: Count
    """Förberedda."""
    establishing: Count
    """Under upprättande."""
    open: Count
    """Öppna."""
    closing: Count
    """Stänger."""
    closed: Count
    """Stängda."""
    unknown: Count
    """Not said, or unknown now."""


class AvailabilityCounts(Frozen):
    """Open points by availability."""

    normal: Count
    """Normal."""
    limited: Count
    """Begränsad."""
    full: Count
    """Full."""
    unknown: Count
    """Not said, or unknown now."""


class ConditionCounts(Frozen):
    """Points by condition."""

    green: Count
    """Grön."""
    yellow: Count
    """Gul."""
    red: Count
    """Röd."""
    critical: Count
    """Kritisk."""
    unknown: Count
    """Okänd."""
    not_applicable: Count
    """Not open."""


class FreshnessCounts(Frozen):
    """Points by the age of their last content."""

    fresh: Count
    """Aktuell."""
    ageing: Count
    """Äldre uppgift."""
    stale: Count
    """Inaktuell."""
    silent: Count
    """Tyst."""


class Bounded(Frozen):
    """A sum over points of which some are unknown, with bounds."""

    sum: Count
    """The sum of what is known."""
    low: Count
    """It is at least this."""
    high: Count | None
    """It is at most this; `null` when nothing bounds it."""
    points: Count
    """How many points the sum rests on."""
    of: Count
    """How many points there are."""
    unbounded: Count
    """How many points neither know it nor bound it."""


class Sum(Frozen):
    """A sum over points of which some are unknown."""

    sum: Count
    """The sum of what is known."""
    points: Count
    """How many points the sum rests on."""
    of: Count
    """How many points there are."""


class ServiceCounts(Frozen):
    """Open points by the state of one service."""

    available: Count
    """Given."""
    limited: Count
    """Given in part."""
    stopped: Count
    """Not given."""
    planned: Count
    """Planned."""
    unknown: Count
    """Unknown now."""


class ActivationCounts(Frozen):
    """Kommuner by activation."""

    none_needed: Count
    """Nothing is needed."""
    assessing: Count
    """Assessing."""
    activating: Count
    """Setting up."""
    active: Count
    """Active."""
    unknown: Count
    """Not said, or unknown now."""


class PowerCounts(Frozen):
    """Open points by what they run on."""

    mains: Count
    """The grid."""
    backup: Count
    """Backup power."""
    battery: Count
    """Battery."""
    none: Count
    """Nothing."""
    unknown: Count
    """Not said, or unknown now."""
