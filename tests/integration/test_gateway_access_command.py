import json
from pathlib import Path

import pytest
from access_kit import audited, gate, make_streams, settings_of, stored

from program import Done, inside, program
from servers import Eventually, NatsServer
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.connection import Connection


async def token(server: NatsServer, *arguments: str) -> Done:
    return await inside("token", *arguments, VARDKASE_NATS_URL=server.url)


async def test_a_token_by_command(
    nats_server: NatsServer, nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """Made, it opens at a gateway that runs; it is listed without what shows it; revoked, it opens nothing."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one:
        made = await token(nats_server, "create", "--role", "lan", "--label", "TiB", "--expires", "30d")
        assert made.code == 0, made.stderr
        text = made.stdout.strip()
        identity = text.split("_")[1]
        assert text not in made.stderr
        assert "länsstyrelsens stab" in made.stderr
        await eventually(lambda: one.access.by_token(text) is not None, what="it opens")
        listed = await token(nats_server, "list")
        assert identity in listed.stdout
        assert "TiB" in listed.stdout
        assert text.split("_", 2)[2] not in listed.stdout
        assert (await token(nats_server, "revoke", identity)).stdout == f"Återkallad: {identity}\n"
        await eventually(lambda: one.access.by_token(text) is None, what="it opens nothing")
        assert (await token(nats_server, "list")).stdout == "Inga token\n"
        assert "återkallad" in (await token(nats_server, "list", "--all")).stdout
        assert text.split("_", 2)[2] not in await stored(nc, "KV_TOKENS")
    told = [(event.data.who.id, event.data.what, event.data.on) for event in await audited(nc)]
    assert told == [("node", "token.create", identity), ("node", "token.revoke", identity)]


async def test_for_machines(nats_server: NatsServer, nc: Connection) -> None:
    """JSON, one document a line; several are revoked at once, and one that is not there fails the command."""
    await make_streams(nc)
    made = [
        json.loads((await token(nats_server, "create", "--role", "reader", "--area", code, "--json")).stdout)
        for code in ("2480", "24")
    ]
    assert [each["area"] for each in made] == ["2480", "24"]
    listed = await token(nats_server, "list", "--json")
    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == [each["id"] for each in reversed(made)]
    assert "token" not in json.loads(listed.stdout.splitlines()[0])
    gone = await token(nats_server, "revoke", *(each["id"] for each in made), "a" * 12, "--json")
    assert [json.loads(line)["status"] for line in gone.stdout.splitlines()] == ["revoked", "revoked"]
    assert (gone.code, "there is no token aaaaaaaaaaaa" in gone.stderr) == (1, True)
    person = await token(nats_server, "revoke", f"oidc-{'0' * 24}", "--json")
    assert json.loads(person.stdout)["status"] == "revoked"


async def test_a_link_to_a_points_form(nats_server: NatsServer, nc: Connection) -> None:
    """It opens the one point, in the world that is named and the one to try in."""
    await make_streams(nc)
    made = await token(nats_server, "link", "2480-skolan", "--http", "https://lage.example.se/", "--json")
    told = json.loads(made.stdout)
    assert told["link"] == f"https://lage.example.se/rapportera?k={told['token']}"
    assert (told["role"], told["point"], told["realities"]) == ("reporter", "2480-skolan", ["act", "tst"])
    listed = await token(nats_server, "list", "--point", "2480-skolan")
    assert told["id"] in listed.stdout
    assert "Token: 1" in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("create", "--role", "god"), "'god' is not one of"),
        (("create", "--role", "kommun", "--area", "24"), "--area: A token with the role kommun is for kommun"),
        (("create", "--role", "reader", "--area", "99"), "AREA: expected a kommun"),
        (("create", "--role", "reader", "--area", "01"), "--area: this node is for Västerbottens län"),
        (("create", "--role", "reader", "--realities", "act,all"), "--realities: expected some of act, exe, tst"),
        (("create", "--role", "reader", "--expires", "2020-01-01T00:00:00Z"), "--expires: expected a time to come"),
        (("create", "--role", "reader", "--expires", "soon"), "--expires: expected a time"),
        (("create", "--role", "reporter", "--point", "2480-_"), "--point: there is no such point"),
        (("create", "--role", "reader", "--label", "a" * 81), "--label: A label is at most 80"),
        (("link", "2480-skolan"), "--http: expected where people reach the gateway"),
        (("link", "skolan", "--http", "http://x"), "POINT: a point's id is"),
        (("revoke", "vk_aaaaaaaaaaaa_" + "b" * 43), "ID: expected the id of a token"),
    ],
)
async def test_wrong_use_makes_nothing(
    nats_server: NatsServer, nc: Connection, arguments: tuple[str, ...], says: str
) -> None:
    """One line that names the option, exit code 2, and nothing is stored; a secret that was given is not told back."""
    await make_streams(nc)
    done = await token(nats_server, *arguments)
    assert done.code == 2
    assert says in done.stderr
    assert "b" * 43 not in done.stderr
    assert (await call(nc, "STREAM.INFO.KV_TOKENS"))["state"]["messages"] == 0


async def test_a_token_that_cannot_be_told_of_is_not(nats_server: NatsServer, nc: Connection) -> None:
    """While the audit is full none is made that opens anything, and the command says why."""
    await make_streams(nc)
    config = (await call(nc, "STREAM.INFO.AUDIT"))["config"]
    await call(nc, "STREAM.UPDATE.AUDIT", config | {"max_bytes": 10})
    done = await token(nats_server, "create", "--role", "reader")
    assert (done.code, done.stdout) == (1, "")
    assert "audit" in done.stderr
    await call(nc, "STREAM.UPDATE.AUDIT", config)
    assert (await token(nats_server, "list")).stdout == "Inga token\n"


async def test_the_help_is_quick_and_says_what_there_is() -> None:
    """It needs no node."""
    done = await program("token", "--help")
    assert done.code == 0
    assert all(word in done.stdout for word in ("create", "link", "list", "revoke"))
