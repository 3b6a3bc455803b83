"""Which areas below a node have a node of their own, which tells its receivers itself."""

from vardkase.federation.watched import PlanFile
from vardkase.runtime.settings import Settings
from vardkase_contracts.areas import Area


class Below:
    """The areas of the nodes below one, as the federation's file has them now.

    Args:
        settings: `area` and `federation`.

    Raises:
        Refused: the file describes no federation.
    """

    def __init__(self, settings: Settings) -> None:
        self._area = Area.parse(settings.area)
        self._file = None if settings.federation is None else PlanFile(settings.federation)
        self._areas = frozenset[Area]() if self._file is None else self._file.plan.below(self._area)

    def areas(self) -> frozenset[Area]:
        """The areas; none for a node that is alone."""
        if self._file is not None and self._file.changed():
            self._areas = self._file.plan.below(self._area)
        return self._areas
