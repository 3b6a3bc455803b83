"""Who is notified of a request for reports, and when: told by the clock, from the order to the webhook."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from acceptance.timeline import Timeline, at, clock
from oracle.make import Told, instant, order, when
from vardkase.notifier.hooks import Hook
from vardkase.notifier.metrics import NotifierMetrics
from vardkase.notifier.notice import Notice
from vardkase.notifier.owed import Told as Known
from vardkase.notifier.owed import owed
from vardkase.notifier.receiver import Desk
from vardkase.notifier.requesting import Requesting
from vardkase.runtime.health import Check
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import load
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import MINUTE

PLAN = """
version = 1
[nodes.SE]
area = "SE"
leaf = "tls://se:7422"
[nodes.lan-24]
area = "24"
parent = "SE"
leaf = "tls://lan:7422"
[nodes.kommun-2480]
area = "2480"
parent = "lan-24"
"""
PICTURES = ("24", "2480", "2482")


class Webhook:
    """A webhook whose memory outlives the process: it is told what is owed to it."""

    name = "hook"

    def __init__(self, story: "Story", known: dict[str, Known], **hook: Any) -> None:
        self._story, self._known = story, known
        self._hook = Hook(name="hook", url="http://127.0.0.1/", secret_file=Path("s"), **hook)  # pyright: ignore[reportArgumentType]
        self.leads = False

    def begin(self, desk: Desk) -> None:
        """Lead, as a notifier's webhook does."""
        self.leads = True
        for notice in desk:
            self.offer(notice)
        for key, told in list(self._known.items()):
            if told.stands and (over := desk.gone(key, told.level)) is not None:
                self.offer(over)

    def offer(self, notice: Notice) -> None:
        due = owed(self._known.get(notice.key), notice, self._hook) if self.leads else None
        if due is not None:
            self._known[notice.key] = due.then
            self._story.tell(due.what, notice)

    def sweep(self) -> None: ...

    async def lead(self) -> None: ...

    def check(self) -> Check:
        return Check(name=self.name, ok=True)

    async def close(self) -> None: ...


class Notifier:
    """A node's notifier, as far as requests go: it reads pictures, and knows nothing when it starts."""

    def __init__(self, story: "Story", known: dict[str, Known], hook: dict[str, Any], **settings: Any) -> None:
        self.desk = Desk(keep_ended=3600.0, most_ended=1000)
        self._hook = Webhook(story, known, **hook)
        self.desk.add(self._hook)
        self.requesting = Requesting(load(**settings), story, self.desk, NotifierMetrics(Metrics().registry))

    def lead(self) -> None:
        """Be the one that tells."""
        self.requesting.look()
        self._hook.begin(self.desk)

    def read(self, reality: Any, picture: dict[str, Any]) -> None:
        """A picture as it is published."""
        self.requesting.take(subjects.picture(reality, Area.parse(picture["code"])), orjson.dumps(picture))


class Story:
    """A timeline whose pictures a notifier reads as they change, minute by minute; what its webhook was told."""

    def __init__(self, *, reality: Any = "act", hook: dict[str, Any] | None = None, **settings: Any) -> None:
        self.timeline = Timeline(reality=reality).until(at(8))
        self.told: list[str] = []
        self.notices: list[Notice] = []
        self._reality = reality
        self._known: dict[str, Known] = {}
        self._made = {"hook": hook or {}, "area": "24", **settings}
        self.notifiers: list[Notifier] = []
        self.start().lead()

    def now(self) -> int:
        """It is the notifiers' clock."""
        return self.timeline.now

    @property
    def stepped(self) -> int:
        """The clock is never moved."""
        return 0

    def start(self) -> Notifier:
        """One more notifier of the same node."""
        made = Notifier(self, self._known, **self._made)
        self.notifiers.append(made)
        return made

    def kill(self) -> None:
        """The one that tells is gone."""
        self.notifiers.pop(0)

    def tell(self, what: str, notice: Notice) -> None:
        """The webhook was told something."""
        self.told.append(
            f"{clock(self.now())} {what} {notice.level} {notice.rule} {notice.labels['key'].split('/')[1]}"
        )
        self.notices.append(notice)

    def until(self, minute: float) -> "Story":
        """Let the clock go on, a minute at a time."""
        end = instant(minute)
        while self.timeline.now < end:
            self.timeline.go_on(min(self.timeline.now + MINUTE, end))
            self.read()
        return self

    def order(self, minute: float, event: dict[str, Any]) -> None:
        """An act of a person, when it is given."""
        self.until(minute).timeline.order(event | {"reality": self._reality})
        self.read()

    def report(self, told: Told) -> None:
        """A report, when it is observed."""
        self.until(told.minute).timeline.tell(told)
        self.read()

    def read(self) -> None:
        """The notifiers read the pictures as they are now, and look."""
        for notifier in self.notifiers:
            for code in PICTURES:
                notifier.read(self._reality, self.timeline.picture(code))
            notifier.requesting.look()


def asking(minute: float, deadline: float, areas: list[str], *, id_: str = "o", **data: Any) -> dict[str, Any]:
    """The länsstyrelse asks for reports."""
    return order("report_request", minute, {"id": "q", "areas": areas, "deadline": when(deadline)} | data, id_=id_)


def quiet(minute: float, kommun: str) -> Told:
    """A kommun says that there is nothing to say."""
    return Told(minute, "activation", {"state": "none_needed"}, point=f"{kommun}-_")


def test_a_request_is_told_to_those_it_asks_and_to_the_one_who_asks() -> None:
    """Those asked: at once, at the reminder, and that they have answered; the asker: at the deadline, all in one."""
    story = Story()
    story.order(at(9), asking(at(9), at(11), ["2480", "2482"], note="Läget inför natten?"))
    story.report(quiet(at(9, 20), "2480"))
    story.until(at(11, 5))
    story.report(quiet(at(11, 7), "2482"))
    story.until(at(12))
    assert story.told == [
        "09:00 raised yellow request.given 24",
        "09:00 raised yellow request.asked 2480",
        "09:00 raised yellow request.asked 2482",
        "09:20 cleared yellow request.asked 2480",
        "10:30 changed red request.asked 2482",
        "11:00 changed red request.given 24",
        "11:07 cleared red request.asked 2482",
        "11:07 cleared red request.given 24",
    ]
    said = [each.annotations["summary"] for each in story.notices]
    assert said == [
        "Begäran om lägesrapport senast 2026-11-20 11:00: 0 av 2 har svarat",
        "Västerbottens län begär lägesrapport senast 2026-11-20 11:00",
        "Västerbottens län begär lägesrapport senast 2026-11-20 11:00",
        "Begäran om lägesrapport från Västerbottens län är besvarad",
        "Påminnelse: Västerbottens län begär lägesrapport senast 2026-11-20 11:00",
        "Tiden är ute 2026-11-20 11:00: 1 av 2 har inte lämnat begärd lägesrapport: Skellefteå",
        "Begäran om lägesrapport från Västerbottens län är besvarad",
        "Begäran om lägesrapport senast 2026-11-20 11:00: alla har svarat (2 av 2)",
    ]
    assert "Läget inför natten?" in story.notices[1].annotations["description"]


def test_a_missed_deadline_is_one_notice_that_says_who_is_left() -> None:
    """Whoever answers late is gone from it, and nobody is told anew; the last one ends it."""
    story = Story()
    story.order(at(9), asking(at(9), at(10), ["24"]))
    story.until(at(10, 1))
    (notifier,) = story.notifiers
    key = "request/act/request.given/24/24.q"
    before, told = notifier.desk.get(key), len(story.told)
    story.report(quiet(at(10, 10), "2480"))
    after = notifier.desk.get(key)
    assert before is not None
    assert after is not None
    assert before.document["request"]["missing"][:2] == ["2401", "2403"]
    assert "Umeå" in before.annotations["description"]
    assert "Umeå" not in after.annotations["description"]
    assert (len(before.document["request"]["missing"]), len(after.document["request"]["missing"])) == (15, 14)
    assert story.told[told:] == ["10:10 cleared red request.asked 2480"]
    assert [each for each in story.told if "request.given" in each] == [
        "09:00 raised yellow request.given 24",
        "10:00 changed red request.given 24",
    ]


def test_a_later_deadline_a_withdrawal_and_the_end_of_showing_are_told() -> None:
    """More time makes it less urgent; a withdrawal ends it; what nobody ever answered ends a day after."""
    story = Story()
    story.order(at(9), asking(at(9), at(10), ["2482"]))
    story.order(at(9, 50), asking(at(9, 50), at(12), ["2482"], id_="p"))
    story.order(at(10), asking(at(10), at(12), ["2482"], id_="r", withdrawn=True))
    assert [each for each in story.told if "2482" in each] == [
        "09:00 raised yellow request.asked 2482",
        "09:45 changed red request.asked 2482",
        "09:50 changed yellow request.asked 2482",
        "10:00 cleared yellow request.asked 2482",
    ]
    assert story.notices[-2].annotations["summary"].endswith("återkallad")
    assert story.notices[-1].annotations["summary"].endswith("är återkallad: 0 av 1 hade svarat")
    lasting = Story()
    lasting.order(at(9), asking(at(9), at(10), ["2482"]))
    lasting.until(at(10, 2)).timeline.until(at(10, day=1))
    lasting.read()
    assert lasting.told[-2:] == ["10:00+1 cleared red request.asked 2482", "10:00+1 cleared red request.given 24"]


def test_a_restart_and_a_second_notifier_tell_nothing_twice() -> None:
    """Whoever takes over goes on where the other was, also with what ended while nobody told."""
    alone, story = Story(), Story()
    for each in (alone, story):
        each.order(at(9), asking(at(9), at(11), ["2480", "2482"]))
    story.start()
    story.until(at(9, 40)).kill()
    story.notifiers[0].lead()
    story.until(at(10, 40)).kill()
    assert story.notifiers == []
    story.report(quiet(at(10, 50), "2480"))
    fresh = story.start()
    story.read()
    fresh.lead()
    alone.report(quiet(at(10, 50), "2480"))
    for each in (alone, story):
        each.until(at(11, 30))
        each.report(quiet(at(11, 30), "2482"))
    assert sorted(story.told) == sorted(alone.told)
    assert len(story.told) == 9


def test_a_level_tells_its_own_receivers_only(tmp_path: Path) -> None:
    """A kommun with a node is told by its own; the others by the län's; the nation's people hear nothing of it."""
    plan = tmp_path / "federation.toml"
    plan.write_text(PLAN)
    stories = {area: Story(area=area, federation=plan) for area in ("SE", "24", "2480")}
    for story in stories.values():
        story.order(at(9), asking(at(9), at(11), ["2480", "2482"]))
    assert {area: sorted(each.rpartition(" ")[2] for each in story.told) for area, story in stories.items()} == {
        "SE": [],
        "24": ["24", "2482"],
        "2480": ["2480"],
    }


def test_the_nation_asks_a_lan_as_such() -> None:
    """The länsstyrelse is told that its län is asked, how many have answered, and when that is all of them."""
    story = Story()
    by = {"by": ("nation", "SE")}
    made = order("report_request", at(9), {"id": "q", "areas": ["24"], "deadline": when(at(11))}, id_="o", **by)
    story.order(at(9), made | {"subject": "24"})
    assert story.told[0] == "09:00 raised yellow request.asked 24"
    assert story.notices[0].annotations["summary"] == (
        "Sverige begär lägesrapport senast 2026-11-20 11:00 (0 av 15 kommuner har svarat)"
    )
    assert "request.given" not in " ".join(story.told)
    answer = {"note": "Lugnt i länet", "request": "q"}
    story.order(at(9, 30), order("note", at(9, 30), answer, id_="n"))
    assert {each for each in story.told if "cleared" in each} == {
        f"09:30 cleared yellow request.asked {code}" for code in PICTURES
    }


@pytest.mark.parametrize(("realities", "count"), [(["act"], 0), (["act", "exe"], 2)])
def test_an_exercise_reaches_only_who_asked_for_it(realities: list[str], count: int) -> None:
    """And it says ÖVNING first."""
    story = Story(reality="exe", hook={"realities": realities})
    story.order(at(9), asking(at(9), at(11), ["2480"]))
    assert len(story.told) == count
    assert all(each.annotations["summary"].startswith("ÖVNING: ") for each in story.notices)


def test_whoever_wants_to_hear_of_what_is_grave_hears_of_reminders_and_missed_deadlines() -> None:
    """A webhook's levels and rules hold for requests as for alerts."""
    story = Story(hook={"levels": ["red"], "rules": ["request.*"]})
    story.order(at(9), asking(at(9), at(10), ["2482"]))
    story.until(at(10))
    assert story.told == ["09:45 raised red request.asked 2482", "10:00 raised red request.given 24"]
