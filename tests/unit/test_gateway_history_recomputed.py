"""What the archive answers is what a recomputation from the log says, at any instant, on both bases."""

import asyncio
from hashlib import sha256
from typing import Any, cast

import orjson
from hypothesis import given
from hypothesis import strategies as st

from histories import (
    LAN,
    POINTS,
    RULES,
    START,
    Log,
    MemoryStore,
    Row,
    came,
    instants_of,
    logs,
    row,
    state_of,
    view,
    world_of,
)
from oracle.effort import examples
from vardkase.archive.history import Asked, history
from vardkase.archive.replay import Question, canonical, recreate
from vardkase.archive.store import Basis, Store
from vardkase.domain.codec import merged_document
from vardkase.domain.picture import Pictures
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import MINUTE, parse
from vardkase_contracts.picture import PICTURE
from vardkase_contracts.state import STATE
from vardkase_contracts.vocab import Reality

REALITY = st.sampled_from(("act", "act", "exe"))
BASIS = st.sampled_from(("known", "observed"))
AREAS = st.sampled_from((LAN, Area.parse("2480"), Area.parse("2401")))


def store_of(log: Log) -> Store:
    """An archive in memory."""
    return cast("Store", MemoryStore(log))


@examples(60)
@given(st.data(), logs(), REALITY, BASIS, AREAS)
def test_what_was_is_what_the_log_says(
    data: st.DataObject, log: Log, reality: Reality, basis: Basis, area: Area
) -> None:
    """States and pictures at any instant, by any knowledge, are those of the reports that counted then."""
    at = data.draw(instants_of(log))
    by = at if basis == "known" else data.draw(st.one_of(st.just(log.end), instants_of(log)))
    then = asyncio.run(recreate(store_of(log), Question(area, reality, at, basis, by), lambda: RULES))
    world = world_of(log, reality, at, basis, by)
    expected = {
        point: merged_document(state)
        for point, state in world.states.items()
        if not state.is_empty and state.kommun in area.kommuner()
    }
    told = {each["id"]: orjson.loads(orjson.dumps(each)) for each in then.states()}
    assert {name: each["version"] for name, each in told.items()} == {n: e["version"] for n, e in expected.items()}
    for name, each in told.items():
        assert {part: each[part] for part in ("facts", "last", "timelines", "others")} == {
            part: expected[name][part] for part in ("facts", "last", "timelines", "others")
        }
        clock = world.clocks[name]
        assert {part: each[part] for part in clock} == clock
        STATE.validate_json(orjson.dumps(each))
    made = Pictures(world.rollup, reality).of(area, world.surroundings(), at)
    made.update(world.said(area, at))
    assert then.picture() == made
    PICTURE.validate_json(canonical(then.picture()))


def test_a_copy_that_counts_and_was_observed_later_leaves_nothing_before() -> None:
    """As we now know it was: of two reports under one id the one that lost counts at no time."""
    first = row(0, "status", {"occupancy": 1}, id="x")
    later = (row(9, "status", {"occupancy": number}, id="x") for number in range(100))
    log = Log((first, next(each for each in later if digest(each) < digest(first))))
    for at, known in ((START + MINUTE, ["2480-a"]), (log.end, ["2480-a"])):
        observed = asyncio.run(recreate(store_of(log), Question(LAN, "act", at, "observed"), lambda: RULES))
        assert [each["id"] for each in observed.states()] == ([] if at < log.end else known)
        then = asyncio.run(recreate(store_of(log), Question(LAN, "act", at, "known"), lambda: RULES))
        assert [each["id"] for each in then.states()] == known


def test_a_withdraw_that_lost_to_another_copy_withdraws_nothing() -> None:
    """Its copy that counts is about another point, and says nothing of the report."""
    withdraw = row(1, "withdraw", {"report_ids": ["x"]}, id="w", point="2480-_")
    others = (row(2, "status", {"occupancy": number}, id="w", point="2480-b") for number in range(100))
    stronger = next(each for each in others if digest(each) < digest(withdraw))
    log = Log((row(0, "status", {"occupancy": 1}, id="x"), withdraw, stronger))
    for basis in ("known", "observed"):
        found = asyncio.run(history(store_of(log), Asked("2480-a", "act", basis, log.end, 0, 10)))
        assert [each["counts"] for each in found.entries if each["report"]["id"] == "x"] == [True]
        _, parts = parts_after([orjson.loads(orjson.dumps(each)) for each in found.entries])
        assert parts["facts.occupancy"]["value"] == 1


def parts_after(entries: list[dict[str, Any]]) -> tuple[str | None, dict[str, Any]]:
    """What a state is after a history, put together of what changed."""
    parts: dict[str, Any] = {}
    version = None
    for entry in entries:
        assert entry["version"]["before"] == version
        version = entry["version"]["after"]
        for change in entry["changes"]:
            assert parts.get(change["what"]) == change["before"]
            if change["after"] is None:
                del parts[change["what"]]
            else:
                parts[change["what"]] = change["after"]
    return version, parts


@examples(60)
@given(st.data(), logs(orders=False), st.sampled_from(POINTS), REALITY)
def test_a_history_tells_what_each_report_changed(data: st.DataObject, log: Log, point: str, reality: Reality) -> None:
    """In the order in which they came: after each report the state is that of all that had come, and no other."""
    by = data.draw(st.one_of(st.just(log.end), instants_of(log)))
    found = asyncio.run(history(store_of(log), Asked(point, reality, "known", by, 0, 1000)))
    entries = [orjson.loads(orjson.dumps(each)) for each in found.entries]
    assert found.matched == len(entries)
    rows = came(log, by)
    own = [each for each in rows if each.event["subject"] == point and each.event["reality"] == reality]
    digests = [entry["sha256"] for entry in entries]
    assert [each for each in own if digest(each) not in digests] == []  # every report is told of
    assert len(set(digests)) == len(digests)
    so_far: list[dict[str, Any]] = []
    for place, each in enumerate(rows):
        if digest(each) in digests:
            so_far.append(entries[digests.index(digest(each))])
        version, parts = parts_after(so_far)
        assert (version, parts) == plain(view(state_of(rows[: place + 1], point, reality)))
    assert so_far == entries


@examples(60)
@given(st.data(), logs(orders=False), st.sampled_from(POINTS), REALITY)
def test_a_history_as_it_is_now_known_goes_by_what_was_observed(
    data: st.DataObject, log: Log, point: str, reality: Reality
) -> None:
    """In the order in which they were observed: after each the state is as we now know that it was at that time."""
    by = data.draw(st.one_of(st.just(log.end), instants_of(log)))
    found = asyncio.run(history(store_of(log), Asked(point, reality, "observed", by, 0, 1000)))
    entries = [orjson.loads(orjson.dumps(each)) for each in found.entries]
    rows = came(log, by)
    version, parts = parts_after(entries)
    assert (version, parts) == plain(view(state_of(rows, point, reality)))
    times = [entry["observed_at"] for entry in entries]
    for place, time in enumerate(times):
        if place + 1 < len(times) and times[place + 1] == time:
            continue  # several of one instant
        at = parse(time)
        assert parts_after(entries[: place + 1]) == plain(view(state_of(rows, point, reality, at)))


@examples(30)
@given(st.data(), logs(orders=False), st.sampled_from(POINTS), BASIS, st.integers(1, 5))
def test_pages_of_a_history_are_parts_of_the_whole(
    data: st.DataObject, log: Log, point: str, basis: Basis, most: int
) -> None:
    """Oldest or newest first, the pages together are the whole."""
    whole = asyncio.run(history(store_of(log), Asked(point, "act", basis, log.end, 0, 1000))).entries
    newest = data.draw(st.booleans())
    paged: list[Any] = []
    for first in range(0, len(whole) + most, most):
        page = asyncio.run(history(store_of(log), Asked(point, "act", basis, log.end, first, most, newest)))
        assert page.matched == len(whole)
        paged += page.entries
    assert paged == list(whole[::-1] if newest else whole)


def digest(one: Row) -> str:
    return sha256(one.data).hexdigest()


def plain(of: tuple[str | None, dict[str, Any]]) -> tuple[str | None, dict[str, Any]]:
    return of[0], orjson.loads(orjson.dumps(of[1]))
