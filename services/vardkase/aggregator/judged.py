"""What was made of a point when it was judged last: most of it stands while only signs of life come."""

from typing import NamedTuple

from vardkase.domain.judge import Judgement
from vardkase.domain.rules import Rules
from vardkase.domain.state import PointState


class Judged(NamedTuple):
    """A point as it was judged last. Its dues are instants, µs, at which the clock alone changes something."""

    state: PointState
    revision: int
    table: Rules
    judgement: Judgement
    #: Of its part in the sums.
    added_due: int
    #: Of the acknowledgements and silences that concern its alerts.
    acts_due: int
    #: Of what the public may know.
    public_due: int
    #: When it was last confirmed, as the public is told, µs.
    confirmed_at: int

    @property
    def due(self) -> int:
        """When the point must be judged again, µs."""
        return min(self.judgement.due, self.added_due, self.acts_due, self.public_due)

    def still_says(self, state: PointState, judgement: Judgement, table: Rules) -> bool:
        """Whether a new judgement says nothing new, but when the point was heard."""
        return (
            self.state is state
            and self.revision == state.revision
            and self.table is table
            and self.judgement.at <= judgement.at < self.added_due
            and self.judgement.said == judgement.said
        )
