"""The notifier wired together: the node's alerts come in, each receiver that is set is told.

Everything that can stop one receiver is its own: its queue, its connections, its attempts, its position. Of several
notifiers of a node one tells (`lease`); the others follow, and go on where it was.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import orjson

from vardkase.runtime.clock import make_clock
from vardkase.runtime.errors import Refused
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.delivery import Delivery, is_answer
from vardkase.runtime.jetstream.follow import Follower
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area

from .alertmanager import Alertmanager
from .escalating import Escalating
from .hooks import hooks_of
from .lease import Lease
from .metrics import NotifierMetrics
from .notice import notice_of
from .postbox import Postbox
from .receiver import Desk
from .requesting import Requesting
from .silence_ending import SilenceEnding
from .walltime import WallTime
from .webhook import Webhook

log: Final = logging.getLogger(__name__)

_KEEP_ENDED: Final = 7 * 86_400.0
_MOST_ENDED: Final = 20_000
_SWEEP: Final = 5.0
_PICTURES: Final = 30.0
"""Seconds that alerts wait for pictures to be known: without them no request is told, and alerts are."""


class Notifier:
    """Tells the node's own receivers of its own alerts.

    Args:
        settings: of the node; its receivers are `alertmanager_url`, `webhooks` and the group `notify`.
        metrics: the process's.

    Raises:
        Refused: there is no receiver, or one is set wrong.
    """

    name = "notifier"

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._area = Area.parse(settings.area)
        self._clock = make_clock(settings)
        self._wall = WallTime(self._clock, speed=settings.clock_speed, driven=settings.clock_start is not None)
        self.metrics = metrics
        self._counts = NotifierMetrics(metrics.registry)
        self._alertmanagers = _urls(settings)
        self._hooks = hooks_of(settings)
        if not self._alertmanagers and not self._hooks:
            raise Refused(
                "VARDKASE_ALERTMANAGER_URL, VARDKASE_WEBHOOKS or VARDKASE_NOTIFY_WEBHOOKS: expected a receiver to tell"
            )
        self.desk = Desk(keep_ended=_KEEP_ENDED, most_ended=_MOST_ENDED)
        """What is told. Whoever has more to tell offers notices here."""
        self._escalating = Escalating(settings, self._clock, self.desk)
        self._silence_ending = SilenceEnding(self._area, settings.node, self._clock.now, self.desk)
        self._requesting = Requesting(settings, self._clock, self.desk, self._counts)
        self._follower = Follower(
            streams.ALERTS,
            subjects.family_filters("alert", None, self._area),
            settings,
            take=self._take,
            reset=self._forget,
        )
        self._lease: Lease | None = None
        self._postbox: Postbox | None = None
        self.tasks = Tasks()

    async def start(self, nc: Connection) -> None:
        """Begin to follow the alerts; tell once all that stands is known, and nobody else tells."""
        webhooks = self._add_receivers(nc)
        self._postbox = Postbox(self._settings, webhooks, self._counts)
        self._lease = Lease(nc, self._settings.notify.lease, self._lead)
        self.tasks.spawn(self._follower.run(nc), name="follow alerts", finite=True)
        self.tasks.spawn(self._postbox.follow(nc), name="follow dead letters", finite=True)
        self.tasks.spawn(self._lease.run(), name="lease")
        self.tasks.spawn(self._escalating.run(), name="escalate")
        self.tasks.spawn(self._requesting.follower.run(nc), name="follow pictures", finite=True)
        self.tasks.spawn(self._requesting.run(), name="requests")
        self.tasks.spawn(self._sweep(), name="sweep")

    async def stop(self) -> None:
        """Finish what is under way, and let another one tell."""
        await self.tasks.stop(self._settings.notify.timeout + 2)
        if self._lease is not None:
            await self._lease.release()
        for receiver in self.desk.receivers:
            await receiver.close()

    def checks(self) -> Sequence[Check]:
        """Whether alerts are followed, and each receiver takes what it is told: what it is ready without."""
        lease = [] if self._lease is None else [self._lease.check()]
        followed = [self._follower.check(), self._requesting.follower.check()]
        return [*followed, *lease, *(each.check() for each in self.desk.receivers)]

    def _add_receivers(self, nc: Connection) -> dict[str, Webhook]:
        settings = self._settings.notify
        for number, url in enumerate(self._alertmanagers, start=1):
            self.desk.add(
                Alertmanager(
                    "alertmanager" if len(self._alertmanagers) == 1 else f"alertmanager-{number}",
                    url,
                    desk=self.desk,
                    node=self._settings.node,
                    realities=settings.realities,
                    settings=settings,
                    clock=self._clock,
                    wall=self._wall,
                    metrics=self._counts,
                )
            )
        webhooks: dict[str, Webhook] = {}
        for each in self._hooks:
            webhooks[each.hook.name] = webhook = Webhook(
                each, desk=self.desk, nc=nc, settings=settings, metrics=self._counts
            )
            self.desk.add(webhook)
        return webhooks

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        """Offer what came; what cannot be read is told of, and keeps nothing else from being."""
        for one in deliveries:
            try:
                if is_answer(one.data):
                    raise ValueError("it was not written by a service")  # noqa: TRY301 -- told of as the rest
                alert = orjson.loads(one.data)
                notice = notice_of(
                    alert,
                    self._area,
                    node=self._settings.node,
                    board=self._settings.notify.board,
                    before=self.desk.get(f"alert/{alert['reality']}/{alert['key']}"),
                    stored_at=one.stored_at,
                )
            except (ValueError, TypeError, LookupError) as error:
                self._counts.skipped.inc()
                log.error(  # noqa: TRY400 -- one line says it
                    "an alert cannot be read", extra={"subject": one.subject, "error": f"{error!r}"}
                )
                continue
            self.desk.offer(notice)
            try:
                self._escalating.take(alert)
                self._silence_ending.take(alert)
            except (ValueError, TypeError, LookupError) as error:  # the alert itself is told all the same
                self._counts.skipped.inc()
                log.error(  # noqa: TRY400 -- one line says it
                    "how long an alert has stood cannot be read", extra={"subject": one.subject, "error": f"{error!r}"}
                )

    def _forget(self) -> None:
        """The stream of alerts was made anew: what stood is not known any more."""
        self.desk.forget()
        self._escalating.forget()
        self._silence_ending.forget()
        self._requesting.forget()

    async def _lead(self) -> None:
        """Tell every receiver, each by itself; the first that breaks ends the process, by a fault of ours."""
        await self._follower.whole.wait()
        # What is not offered before anybody is told would be taken for over.
        self._escalating.look()
        try:
            async with asyncio.timeout(_PICTURES):
                await self._requesting.follower.whole.wait()
            self._requesting.look()
        except TimeoutError:
            log.error("the pictures are not known: nobody is told of requests for reports yet")  # noqa: TRY400
        self._counts.leading.set(1)
        work = [each.lead() for each in self.desk.receivers]
        if self._postbox is not None:
            work.append(self._postbox.lead())
        try:
            async with asyncio.TaskGroup() as group:
                for each in work:
                    group.create_task(each)
        finally:
            self._counts.leading.set(0)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            self.desk.sweep(self._clock.now())


def _urls(settings: Settings) -> list[str]:
    if settings.alertmanager_url is None:
        return []
    return list(dict.fromkeys(each.strip() for each in settings.alertmanager_url.get_secret_value().split(",")))
