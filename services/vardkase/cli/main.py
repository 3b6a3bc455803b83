"""`vardkase`: the commands, each in a module of its own that is imported when it is used.

To add one: a module with `app`, a `typer.Typer()` with one command (or several: then a group), and one line below.
Importing `typer` alone keeps `--help` fast; the help of one line stands here so that no module is needed to list it.
"""

import importlib
import os
import signal
import sys
from dataclasses import dataclass
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from vardkase.runtime.errors import FAILED, Ended


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that has not been imported."""

    module: str
    """The module that has it, as `app`."""
    help: str
    """One line about it."""


COMMANDS: Final = {
    "up": Lazy("vardkase.cli.up", "A whole node: NATS and the services."),
    "demo": Lazy("vardkase.cli.demo", "A node with a simulated storm."),
    "run": Lazy("vardkase.cli.run", "One service alone."),
    "report": Lazy("vardkase.cli.report", "Send a report."),
    "line": Lazy("vardkase.cli.line", "A one-line report: SMS, Rakel, telephone."),
    "watch": Lazy("vardkase.cli.watch", "Follow pictures, states and alerts."),
    "alerts": Lazy("vardkase.cli.alerts", "List open alerts."),
    "ack": Lazy("vardkase.cli.ack", "Acknowledge an alert."),
    "silence": Lazy("vardkase.cli.silence", "Notify nobody of some alerts for a time."),
    "notifications": Lazy("vardkase.cli.notifications", "What receivers of notifications did not take."),
    "rules": Lazy("vardkase.cli.rules", "The rules in force somewhere, and their overrides."),
    "redact": Lazy("vardkase.cli.redact", "A report must be gone: what it says is erased at every level."),
    "incident": Lazy("vardkase.cli.incident", "Say which kommuner are expected to be heard."),
    "exercise": Lazy("vardkase.cli.exercise", "Begin, play, stop, abort and evaluate an exercise."),
    "request": Lazy("vardkase.cli.request", "Ask for reports (begäran om lägesrapport), and answer."),
    "note": Lazy("vardkase.cli.note", "Annotate an area's picture."),
    "adopt": Lazy("vardkase.cli.adopt", "Adopt a picture (fastställ): the samlade lägesbild."),
    "forecast": Lazy("vardkase.cli.forecast", "What runs out or fills up, and when."),
    "needs": Lazy("vardkase.cli.needs", "Needs and surplus, and who could help whom."),
    "fuel-round": Lazy("vardkase.cli.fuel_round", "In which order to refuel points."),
    "register": Lazy("vardkase.cli.register", "Import a register of points."),
    "replay": Lazy("vardkase.cli.replay", "An area's picture at a time, from the archive."),
    "changes": Lazy("vardkase.cli.changes", "What has changed in an area since a time, from the archive."),
    "handover": Lazy("vardkase.cli.handover", "The handover report of an area."),
    "scorecard": Lazy("vardkase.cli.scorecard", "How a kommun's reports came, and what would help."),
    "export": Lazy("vardkase.cli.export", "All that the archive has of an area, in open formats."),
    "retention": Lazy("vardkase.cli.retention", "How long the archive is kept, and letting go by a decision."),
    "simulate": Lazy("vardkase.cli.simulate", "Play a scenario, or real shelters, against a node."),
    "federation": Lazy("vardkase.cli.federation", "Nodes that report to each other: set up, keys, check."),
    "token": Lazy("vardkase.cli.token", "Who is let in at the gateways."),
    "ready": Lazy("vardkase.cli.ready", "Whether the node here is ready."),
    "sweden": Lazy("vardkase.cli.sweden", "A rehearsal with all of Sweden: servers, a storm, links that are cut."),
    "carry": Lazy("vardkase.cli.carry", "Reports on a stick: out of a node, into another."),
    "doctor": Lazy("vardkase.cli.doctor", "What is wrong with a node, and what to do."),
    "schema": Lazy("vardkase.cli.schema", "The published schemas."),
}


class LazyGroup(TyperGroup):
    """Lists its commands without importing them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, lazy in COMMANDS.items():
            self.add_command(TyperCommand(name, help=lazy.help), name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was asked for, imported now."""
        name, _, rest = super().resolve_command(ctx, args)
        command = get_command(importlib.import_module(COMMANDS[str(name)].module).app)
        command.name = name
        return name, command, rest


app: Final = typer.Typer(
    cls=LazyGroup,
    help="Vårdkase: what every trygghetspunkt reports, one picture, and the alert before the power is out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it shows the values of variables: secrets too
)


@app.callback()
def root() -> None:
    """Takes no options of its own."""


def main() -> None:
    """The program. Exit codes: 0 done, 1 failed, 2 wrong use; of whoever is interrupted, 130."""
    try:
        app(prog_name="vardkase")
    except Ended as ended:
        sys.stderr.write(f"vardkase: {' '.join(str(ended).split())}\n")
        sys.exit(ended.code)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
