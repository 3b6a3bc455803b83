"""The federation as data, and what follows from it for each node."""

from typing import Any

import pytest

from vardkase.federation import keys, wiring
from vardkase.federation.plan import Plan, parse
from vardkase.runtime.errors import Refused
from vardkase.runtime.jetstream.batches import covers
from vardkase_contracts import streams
from vardkase_contracts.areas import KOMMUNER, LAN, Area

LINK, OTHER, THIRD = (keys.new_user().public for _ in range(3))


def document(**changes: Any) -> dict[str, Any]:
    return {
        "nodes": {
            "SE": {"area": "SE", "leaf": "tls://nation.example:7422"},
            "lan-24": {"area": "24", "parent": "SE", "leaf": "tls://lan24.example:7422", "link": [LINK]},
            "kommun-2480": {"area": "2480", "parent": "lan-24", "link": [OTHER]},
        },
        "reporters": {"2401": {"node": "lan-24", "keys": [THIRD]}},
    } | changes


def nodes(**changes: dict[str, Any]) -> dict[str, Any]:
    """The document with other fields in some of its nodes."""
    found = document()
    for name, fields in changes.items():
        name = name.replace("_", "-")  # noqa: PLW2901
        found["nodes"][name] = found["nodes"].get(name, {}) | fields
    return found


@pytest.fixture
def plan() -> Plan:
    return parse(document(), told="federation.toml")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (nodes(lan_24={"parent": "SV"}), "nodes.lan-24.parent: there is no node SV"),
        (nodes(kommun_2480={"area": "0180"}), "nodes.kommun-2480.parent: 0180 does not lie in 24"),
        (nodes(kommun_2480={"area": "24"}), "nodes.kommun-2480.area: 24 is the area of lan-24"),
        (nodes(kommun_2480={"area": "9999"}), "nodes.kommun-2480.area: no such area"),
        (nodes(kommun_2480={"link": [LINK]}), "nodes.kommun-2480.link: lan-24 has the same key"),
        (nodes(kommun_2480={"link": [LINK[:-1] + "A"]}), "nodes.kommun-2480.link: a character of the nkey is wrong"),
        (nodes(kommun_2480={"link": ["SUAB"]}), "nodes.kommun-2480.link: expected the public nkey of a user"),
        (nodes(lan_24={"leaf": None}), "nodes.lan-24.leaf: expected where kommun-2480 dials it"),
        (nodes(lan_24={"leaf": "tls://me:secret@x:1"}), "nodes.lan-24.leaf: no password belongs in it"),
        (nodes(lan_24={"leaf": "nats-leaf://lan24.example:7422"}), "nodes.lan-24.leaf: expected tls://: without TLS"),
        (nodes(lan_24={"leaf": "http://x"}), "nodes.lan-24.leaf: expected tls://<name>:<port>"),
        (nodes(SE={"parent": "lan-24"}), "nodes.SE.parent: SE does not lie in 24"),
        (nodes(lan_24={"parent": None}), "nodes: expected one without a parent; got SE, lan-24"),
        (nodes(lan_24={"colour": "red"}), "nodes.lan-24.colour: Extra inputs are not permitted"),
        (document(reporters={"2480": {"node": "lan-24", "keys": [THIRD]}}), "reporters.2480: it has a node of its own"),
        (document(reporters={"0180": {"node": "lan-24", "keys": []}}), "reporters.0180.node: 0180 does not lie in"),
        (document(reporters={"2401": {"node": "lan-24", "keys": [LINK]}}), "reporters.2401.keys: lan-24 has the same"),
        (document(signers={"9999": {}}), "signers.9999: there is no kommun with this code"),
        (document(signers={"2480": {"keys": [{"key": "abc"}]}}), "signers.2480.keys.0.key: expected a public Ed25519"),
        (document(signatures="perhaps"), "signatures: expected 'required', 'accepted' or 'off'"),
        ({"nodes": {}}, "nodes: expected one without a parent; got none"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_that_names_the_field(given: dict[str, Any], said: str) -> None:
    """Each fault of the file is one line, with the file's name and the field; no secret and no value in it."""
    with pytest.raises(Refused) as refused:
        parse(given, told="federation.toml")
    assert str(refused.value).startswith("federation.toml: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_parent_takes_from_each_child_only_what_is_the_childs_to_say(plan: Plan) -> None:
    """What a child puts into its stream under another's subject lands, and goes no further."""
    assert wiring.local_sources(plan, "lan-24")[streams.REPORTS] == [
        {"name": "CHILD_2480", "filter_subject": "tp.v1.*.accepted.24.2480.>"}
    ]
    assert wiring.local_sources(plan, "SE")[streams.REPORTS] == [
        {"name": "CHILD_24", "filter_subject": "tp.v1.*.accepted.24.>"}
    ]


def test_orders_go_up_and_down_and_never_in_a_circle(plan: Plan) -> None:
    """No stream that goes up reads one that comes down."""
    for name in plan.nodes:
        local = wiring.local_sources(plan, name)
        ups = {each["name"] for each in local[streams.ORDERS_UP]}
        assert not ups & {streams.ORDERS_DOWN, wiring.PARENT_ORDERS}
        assert {each["name"] for each in local[streams.ORDERS_DOWN]} <= {streams.ORDERS_UP, wiring.PARENT_ORDERS}
    assert wiring.source_down(plan, "SE") is None


def test_a_child_is_sent_the_orders_that_concern_it(plan: Plan) -> None:
    """About it, what is in it, and what it lies in; not about its neighbours."""
    assert wiring.concerns(Area("kommun", "2480")) == (
        "tp.v1.*.order.24.2480.>",
        "tp.v1.*.order.24._.*",
        "tp.v1.*.order._.norra.*",
        "tp.v1.*.order._._.*",
    )
    assert wiring.concerns(Area("nation", "SE")) == ("tp.v1.*.order.>",)
    assert wiring.consumers(plan, "lan-24")[streams.ORDERS_DOWN, "down-2480"]["filter_subjects"] == list(
        wiring.concerns(Area("kommun", "2480"))
    )


def test_no_order_concerns_an_area_twice() -> None:
    """A consumer whose filters overlap is refused: also of Gotland, whose kommun is all of its län."""
    for area in (*(Area("lan", code) for code in LAN), *(Area("kommun", code) for code in KOMMUNER)):
        found = wiring.concerns(area)
        assert not [(one, other) for one in found for other in found if one != other and covers(one, other)], area


def test_a_childs_link_can_neither_make_consumers_at_its_parent_nor_publish_reports_there(plan: Plan) -> None:
    """Of the parent's API only what takes its place on its own consumer."""
    permissions = wiring.link_permissions(plan, "kommun-2480")
    assert permissions["publish"]["allow"] == [
        "up.2480.>",
        "$JSC.R.>",
        "$JS.lan-24.API.CONSUMER.RESET.ORDERS_DOWN.down-2480",
        "$JS.lan-24.API.CONSUMER.INFO.ORDERS_DOWN.down-2480",
        "$JS.lan-24.API.CONSUMER.PAUSE.ORDERS_DOWN.down-2480",
        "$JS.FC.ORDERS_DOWN.down-2480.>",
    ]
    assert not any(each.startswith("tp.") for way in permissions.values() for each in way["allow"])
    flow = [each for each in permissions["subscribe"]["allow"] if each.startswith("$JS.FC.")]
    assert flow == ["$JS.FC.REPORTS.up.>", "$JS.FC.ORDERS_UP.up.>"], "of its own streams alone"


def test_a_kommun_without_a_node_may_report_of_itself_alone(plan: Plan) -> None:
    """Its own reports, and an inbox that nobody else hears."""
    [link] = wiring.users(plan, "lan-24")
    [reporter] = wiring.reporters(plan, "lan-24")
    assert link["nkey"] == OTHER
    assert reporter == {
        "nkey": THIRD,
        "permissions": {
            "publish": {"allow": ["tp.v1.*.report.24.2401.>"]},
            "subscribe": {"allow": ["_INBOX.2401.>"]},
        },
        "allowed_connection_types": ["STANDARD"],
    }
    assert link["allowed_connection_types"] == ["LEAFNODE"]
    assert wiring.users(plan, "kommun-2480") == wiring.reporters(plan, "kommun-2480") == []


def test_a_link_lets_no_report_cross_as_plain_interest(plan: Plan) -> None:
    """Or it would be stored twice at the parent, and a client there could write into the child's own stream."""
    link = wiring.remote(plan, "kommun-2480", seed="SU", tls=None)
    assert link is not None
    assert link["urls"] == ["tls://lan24.example:7422"]
    assert {"tp.>", "$KV.>", "_INBOX.>", "$JS.ACK.>"} <= {*link["deny_exports"]} & {*link["deny_imports"]}
    assert "$JS.kommun-2480.API.STREAM.DELETE.>" in link["deny_imports"]
    assert wiring.remote(plan, "SE", seed="SU", tls=None) is None
