"""`vardkase demo`: a node on a driven clock, a simulated storm, and what it shows."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel

from vardkase.cli.commentary import Commentary
from vardkase.cli.node import JsonOption, Node, client_of, parse_area, print_json, together
from vardkase.cli.screen import draw
from vardkase.cli.simulate import DEFAULT_SCENARIO
from vardkase.cli.storm import DrivenTime, Inlet, Paused, load_scenario
from vardkase.cli.summary import show_summary
from vardkase.cli.tally import Tally
from vardkase.cli.up import Ready, run_node
from vardkase.cli.watching import Watching, watching
from vardkase.runtime import settings as runtime_settings
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.jetstream.connection import ConnectFailed, connect
from vardkase.simulator.player import play
from vardkase.simulator.scenario import Scenario
from vardkase.simulator.simulation import Simulation
from vardkase_contracts.areas import Area
from vardkase_contracts.client import Client
from vardkase_contracts.instants import HOUR, iso

app: Final = typer.Typer(add_completion=False)

_REFRESH_S: Final = 0.25
_LINES: Final = 6
_LINES_A_SECOND: Final = 4
_BEGIN_S: Final = 15.0
