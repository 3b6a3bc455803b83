import asyncio
import stat
from pathlib import Path

import pytest
from access_kit import AREA, audited, gate, make_streams, settings_of, stored

from servers import Dial, Eventually, NatsServer
from vardkase.gateway.access import tokens
from vardkase.gateway.access.away import AccessAway
from vardkase.gateway.access.oidc import person_id
from vardkase.gateway.access.operator import FILE, Operator
from vardkase.gateway.access.tokens import TokenError
from vardkase.gateway.principal import Principal
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.bucket import Bucket
from vardkase.runtime.jetstream.connection import Connection
from vardkase_contracts.areas import Area

UMEA = Area.parse("2480")
DAY = 86_400_000_000


async def test_a_token_opens_at_every_gateway_and_when_revoked_at_none(
    nc: Connection, dial: Dial, nats_server: NatsServer, tmp_path: Path, eventually: Eventually
) -> None:
    """Made at one it opens at both; revoked at the other, it opens nothing a moment later, and what was open is cut."""
    await make_streams(nc)
    settings = settings_of(tmp_path)
    async with gate(nc, settings) as here, gate(await dial(nats_server.url), settings) as there:
        token, text = await here.access.create(role="reader", area=AREA, by="node", label="karta")
        mine = here.access.by_token(text)
        assert mine == token.principal()
        await eventually(lambda: there.access.by_token(text) == mine)
        cut: list[str] = []
        assert mine is not None
        here.access.watch(mine, lambda: cut.append("here"))
        there.access.watch(mine, lambda: cut.append("there"))
        other, _ = await here.access.create(role="reader", area=AREA, by="node")
        here.access.watch(other.principal(), lambda: cut.append("other"))
        ended = await there.access.revoke(token.id, by="boss")
        assert ended is not None
        assert there.access.by_token(text) is None
        assert "there" in cut
        await eventually(lambda: sorted(cut) == ["here", "there"], what="cut at both", within=2)
        assert here.access.by_token(text) is None
        assert (await there.access.revoke(token.id, by="somebody")) == ended
        assert [each.status(here.access.now()) for each in here.access.list() if each.id == token.id] == ["revoked"]


async def test_watching_one_who_is_let_in_no_more_ends_at_once(nc: Connection, tmp_path: Path) -> None:
    """Whoever was revoked between being let in and being watched is cut too; who stops watching is told no more."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        token, _ = await one.access.create(role="reader", area=AREA, by="node")
        cut: list[str] = []
        stop = one.access.watch(token.principal(), lambda: cut.append("stopped"))
        stop()
        stop()
        await one.access.revoke(token.id, by="node")
        one.access.watch(token.principal(), lambda: cut.append("late"))
        assert cut == ["late"]
        assert len(one.access.watchers) == 0


async def test_what_is_open_ends_with_its_token(nc: Connection, tmp_path: Path, eventually: Eventually) -> None:
    """A token that expires closes what was opened with it, without anybody asking."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        token, text = await one.access.create(role="reader", area=AREA, by="node", expires=one.access.now() + 300_000)
        cut: list[str] = []
        one.access.watch(token.principal(), lambda: cut.append("expired"))
        assert one.access.by_token(text) is not None
        await eventually(lambda: cut == ["expired"], what="cut", within=5)
        assert one.access.by_token(text) is None


async def test_a_session_is_its_tokens_at_every_gateway(
    nc: Connection, dial: Dial, nats_server: NatsServer, tmp_path: Path, eventually: Eventually
) -> None:
    """It opens what the token does, elsewhere too, and ends with it; a session of a form opens no board."""
    await make_streams(nc)
    settings = settings_of(tmp_path)
    async with gate(nc, settings) as here, gate(await dial(nats_server.url), settings) as there:
        token, _ = await here.access.create(role="reporter", area=UMEA, point="2480-x", by="node")
        form, opened = await here.access.open_session(token.principal(), "form")
        assert opened.point == "2480-x"
        assert opened.session is not None
        await eventually(lambda: there.access.by_session(form, "form") == opened)
        assert there.access.by_session(form) is None
        assert there.access.by_session(form[:-1] + "~", "form") is None
        cut: list[str] = []
        there.access.watch(opened, lambda: cut.append("there"))
        await here.access.revoke(token.id, by="node")
        await eventually(lambda: cut == ["there"], what="cut", within=2)
        assert there.access.by_session(form, "form") is None
        with pytest.raises(AccessAway):
            await here.access.open_session(token.principal(), "form")


async def test_logging_out_ends_one_session_everywhere_and_no_other(
    nc: Connection, dial: Dial, nats_server: NatsServer, tmp_path: Path, eventually: Eventually
) -> None:
    """What was open in that session is cut; the same person's other session goes on."""
    await make_streams(nc)
    settings = settings_of(tmp_path)
    async with gate(nc, settings) as here, gate(await dial(nats_server.url), settings) as there:
        token, _ = await here.access.create(role="lan", area=AREA, by="node")
        first, one = await here.access.open_session(token.principal())
        second, two = await here.access.open_session(token.principal())
        await eventually(lambda: there.access.by_session(first) == one and there.access.by_session(second) == two)
        cut: list[str] = []
        cut_here: list[str] = []
        there.access.watch(one, lambda: cut.append("one"))
        there.access.watch(two, lambda: cut.append("two"))
        here.access.watch(one, lambda: cut_here.append("one"))
        await here.access.end_session(one.session or "")
        assert cut_here == ["one"]
        assert here.access.by_session(first) is None
        await eventually(lambda: cut == ["one"], what="cut", within=2)
        assert there.access.by_session(first) is None
        assert there.access.by_session(second) == two
        await here.access.end_session(one.session or "")
        await here.access.end_session("0" * 64)


async def test_sessions_of_one_are_bounded(nc: Connection, tmp_path: Path) -> None:
    """One more than allowed ends the oldest of the same token, and nobody else's."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, sessions=3)) as one:
        token, _ = await one.access.create(role="lan", area=AREA, by="node")
        other, _ = await one.access.create(role="lan", area=AREA, by="node")
        kept, _ = await one.access.open_session(other.principal())
        cookies = [(await one.access.open_session(token.principal()))[0] for _ in range(5)]
        assert [one.access.by_session(cookie) is not None for cookie in cookies] == [False, False, True, True, True]
        assert one.access.by_session(kept) is not None


async def test_a_session_holds_no_longer_than_what_was_shown(
    nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """Nor longer than is set; one of a form goes on while it is used."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, session=3600, form_session=1)) as one:
        ends = one.access.now() + 50_000_000
        token, _ = await one.access.create(role="reporter", area=UMEA, point="2480-x", by="node", expires=ends)
        cookie, opened = await one.access.open_session(token.principal())
        assert one.access.by_session(cookie) == opened
        form, who = await one.access.open_session(token.principal(), "form")
        assert not one.access.is_half_over(who)
        await eventually(lambda: one.access.is_half_over(who))
        assert await one.access.renew_session(who) == pytest.approx(1, abs=0.2)
        assert not one.access.is_half_over(who)
        assert one.access.by_session(form, "form") == who
        await eventually(lambda: one.access.by_session(form, "form") is None)
        assert await one.access.renew_session(who) == 0
        assert await one.access.renew_session(token.principal()) == 0


async def test_a_person_of_the_issuer_who_is_shut_out_stays_out(nc: Connection, tmp_path: Path) -> None:
    """Their JWT is right still, and opens nothing any more, nor do their sessions."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        who = Principal(
            id=person_id("https://a", "anna"),
            role="lan",
            area=AREA,
            realities=frozenset({"act"}),
            expires=one.access.now() + DAY,
        )
        cookie, opened = await one.access.open_session(who)
        assert one.access.by_session(cookie) == opened
        assert one.access.holds(who)
        ended = await one.access.revoke(who.id, by="boss", area=AREA)
        assert ended is not None
        assert one.access.by_session(cookie) is None
        assert not one.access.holds(who)
        assert await one.access.revoke(who.id, by="boss", area=AREA) == ended
        assert await one.access.revoke("no-such-id", by="boss") is None
        assert await one.access.revoke("a" * 12, by="boss") is None


async def test_nothing_that_opens_anything_is_stored(nc: Connection, tmp_path: Path) -> None:
    """Neither a token's secret nor a cookie is in NATS: who reads the buckets can show neither."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        token, text = await one.access.create(role="lan", area=AREA, by="node")
        cookie, _ = await one.access.open_session(token.principal())
        held = await stored(nc, "KV_TOKENS", "KV_SESSIONS")
        assert token.id in held
        assert text.split("_", 2)[2] not in held
        assert cookie not in held


async def test_after_nats_was_killed_access_goes_on(
    nats_server: NatsServer, nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """While it is away those who are known are let in, and nothing can be changed; when it is back all is as before."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        token, text = await one.access.create(role="lan", area=AREA, by="node")
        cookie, opened = await one.access.open_session(token.principal())
        nats_server.kill()
        await eventually(lambda: not all(check.ok for check in one.access.checks()), what="it is noticed")
        assert one.access.by_token(text) == token.principal()
        assert one.access.by_session(cookie) == opened
        results = await asyncio.gather(
            one.access.create(role="lan", area=AREA, by="node"),
            one.access.revoke(token.id, by="node"),
            one.access.open_session(token.principal()),
            return_exceptions=True,
        )
        assert [type(each) for each in results] == [AccessAway] * 3
        nats_server.start()
        await eventually(lambda: all(check.ok for check in one.access.checks()), what="following again", within=20)
        assert one.access.by_token(text) == token.principal()
        await one.access.revoke(token.id, by="node")
        assert one.access.by_session(cookie) is None


async def test_who_was_known_is_not_trusted_for_ever(
    nats_server: NatsServer, nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """Cut off for longer than is set, nobody is let in and what is open is cut: a token may have been revoked since."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, trust=1.5)) as one:
        token, text = await one.access.create(role="lan", area=AREA, by="node")
        cut: list[str] = []
        one.access.watch(token.principal(), lambda: cut.append("cut"))
        nats_server.freeze()

        def away() -> bool:
            try:
                one.access.by_token(text)
            except AccessAway:
                return True
            return False

        await eventually(away, what="nobody is let in")
        await eventually(lambda: cut == ["cut"], what="cut")
        nats_server.thaw()
        await eventually(lambda: not away(), what="let in again", within=20)
        assert one.access.by_token(text) == token.principal()


async def test_a_store_that_was_lost_opens_nothing_but_to_the_operator(
    nats_server: NatsServer, nc: Connection, dial: Dial, tmp_path: Path, eventually: Eventually
) -> None:
    """Tokens are gone with it, and not remembered; the operator's own is made known again, the same."""
    await make_streams(nc)
    operator = Operator(tmp_path, AREA)
    await operator.see(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        _, text = await one.access.create(role="lan", area=AREA, by="node")
        before = operator.text
        assert one.access.by_token(before) is not None
        nats_server.kill()
        nats_server.wipe()
        nats_server.start()
        again = await dial(nats_server.url)
        await make_streams(again)
        await operator.see(again)

        def only_the_operator() -> bool:
            try:
                return one.access.by_token(before) is not None and one.access.by_token(text) is None
            except AccessAway:
                return False

        await eventually(only_the_operator, what="the store is read anew", within=20)
        assert operator.text == before


async def test_what_goes_from_the_store_without_a_word_opens_nothing(nc: Connection, tmp_path: Path) -> None:
    """A purge tells no follower; what is held is compared with what is stored."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        gone, gone_text = await one.access.create(role="lan", area=AREA, by="node")
        _, kept_text = await one.access.create(role="lan", area=AREA, by="node")
        cut: list[str] = []
        one.access.watch(gone.principal(), lambda: cut.append("cut"))
        await call(nc, "STREAM.PURGE.KV_TOKENS", {"filter": f"$KV.TOKENS.{gone.id}"})
        await one.access.compare(nc)
        assert cut == ["cut"]
        assert one.access.by_token(gone_text) is None
        assert one.access.by_token(kept_text) is not None


async def test_what_is_not_ours_in_the_bucket_opens_nothing_and_stops_nothing(
    nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """Bytes that are no token are told of and left; the next token is known all the same."""
    await make_streams(nc)
    bucket = Bucket(nc, tokens.BUCKET)
    async with gate(nc, settings_of(tmp_path)) as one:
        before, text = await one.access.create(role="lan", area=AREA, by="node")
        for key, data in (("a" * 12, b"x"), ("b" * 12, b"{}"), ("other.key", b"\xff"), (before.id, b"broken")):
            await bucket.put(key, data)
        _, after = await one.access.create(role="lan", area=AREA, by="node")
        await eventually(lambda: one.access.by_token(text) is None, what="a broken token opens nothing")
        assert one.access.by_token(after) is not None


async def test_a_bucket_that_is_nearly_full_makes_no_token_and_revokes_still(nc: Connection, tmp_path: Path) -> None:
    """What is left of its room is for ending what there is; nothing that was there is lost."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        texts = [(await one.access.create(role="lan", area=AREA, by="node"))[1] for _ in range(20)]
        info = await call(nc, "STREAM.INFO.KV_TOKENS")
        await call(nc, "STREAM.UPDATE.KV_TOKENS", info["config"] | {"max_bytes": int(info["state"]["bytes"] / 0.91)})
        with pytest.raises(AccessAway, match="full"):
            await one.access.create(role="lan", area=AREA, by="node")
        assert all(one.access.by_token(text) is not None for text in texts)
        for text in texts:
            await one.access.revoke(text.split("_")[1], by="node")
        assert all(one.access.by_token(text) is None for text in texts)


async def test_a_token_that_cannot_be_is_not_stored(nc: Connection, tmp_path: Path) -> None:
    """What makes no sense is refused before anything is written."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        with pytest.raises(TokenError):
            await one.access.create(role="kommun", area=AREA, by="node")
        assert len(one.access.list()) == 0


async def test_many_at_once_revoke_one_token(
    nc: Connection, dial: Dial, nats_server: NatsServer, tmp_path: Path, eventually: Eventually
) -> None:
    """Two gateways and twenty requests at once: it is revoked once, and all are told so."""
    await make_streams(nc)
    settings = settings_of(tmp_path)
    async with gate(nc, settings) as here, gate(await dial(nats_server.url), settings) as there:
        token, text = await here.access.create(role="lan", area=AREA, by="node")
        ended = await asyncio.gather(
            *(each.access.revoke(token.id, by=f"b{number}") for number in range(10) for each in (here, there))
        )
        assert len({(each.revoked, each.revoked_by) for each in ended if each is not None}) == 1
        await eventually(lambda: here.access.by_token(text) is None and there.access.by_token(text) is None)


async def test_what_has_ended_goes_from_the_store(nc: Connection, tmp_path: Path, eventually: Eventually) -> None:
    """A session's value goes by itself when its time is up; what is revoked stays."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, session=1)) as one:
        token, _ = await one.access.create(role="lan", area=AREA, by="node")
        await one.access.open_session(token.principal())
        await one.access.revoke(token.id, by="node")

        async def left() -> list[int]:
            names = ("KV_SESSIONS", "KV_TOKENS")
            return [(await call(nc, f"STREAM.INFO.{name}"))["state"]["messages"] for name in names]

        async def gone() -> bool:
            return await left() == [0, 1]

        await eventually(gone, what="the session has gone from the store", within=15)
        await one.access.compare(nc)


async def test_the_operators_token_is_the_same_after_a_restart(nc: Connection, tmp_path: Path) -> None:
    """It is kept where its user alone can read it, and opens all that an operator does in the area."""
    await make_streams(nc)
    first = Operator(tmp_path, AREA)
    await first.see(nc)
    again = Operator(tmp_path, AREA)
    await again.see(nc)
    assert again.text == first.text
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    async with gate(nc, settings_of(tmp_path)) as one:
        who = one.access.by_token(first.text)
        assert who is not None
        assert (who.role, who.area, who.expires) == ("admin", AREA, None)
        assert len(one.access.list()) == 1
    assert first.text.split("_", 2)[2] not in await stored(nc, "KV_TOKENS")


async def test_an_operators_token_that_was_revoked_is_not_made_again_but_at_a_start(
    nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """While the node runs it stays revoked, however often it is seen to; the next start has another."""
    await make_streams(nc)
    operator = Operator(tmp_path, AREA)
    await operator.see(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        before = operator.text
        await one.access.revoke(before.split("_")[1], by="boss")
        for _ in range(3):
            await operator.see(nc)
        assert operator.text == before
        assert one.access.by_token(before) is None
        later = Operator(tmp_path, AREA)
        await later.see(nc)
        assert later.text != before
        await eventually(lambda: one.access.by_token(later.text) is not None, what="known")
        assert (tmp_path / FILE).read_text().strip() == later.text


async def test_a_damaged_operators_file_is_replaced_and_one_that_cannot_be_is_told(
    nc: Connection, tmp_path: Path
) -> None:
    """What shows no token is no token; where it cannot be written that is one line."""
    await make_streams(nc)
    (tmp_path / FILE).write_bytes(b"\xff not a token")
    operator = Operator(tmp_path, AREA)
    await operator.see(nc)
    assert tokens.split(operator.text) is not None
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / FILE).mkdir()
    with pytest.raises(Failed, match=rf"{FILE} cannot be used"):
        Operator(tmp_path / "other", AREA)


async def test_nothing_is_audited_by_access_itself(nc: Connection, tmp_path: Path) -> None:
    """Who did what is the routes' to tell: the same acts by command line and HTTP are told once each."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        token, _ = await one.access.create(role="lan", area=AREA, by="node")
        await one.access.revoke(token.id, by="node")
    assert await audited(nc) == []
