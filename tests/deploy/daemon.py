"""A Docker daemon of the tests' own: its images, networks and rules are nobody else's, and go with it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

CACHE = Path(os.environ.get("VARDKASE_DEPLOY_CACHE") or Path(tempfile.gettempdir()) / "vardkase-deploy")
"""What stays from one run to the next: the base systems and the daemon's images. Some 3 GB."""
PROGRAMS = ("dockerd", "docker-compose", "debootstrap", "iptables-save", "prometheus", "prometheus-alertmanager")
"""Of Debian's docker.io, docker-compose, debootstrap, iptables, prometheus, prometheus-alertmanager."""
_SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_START = 60.0
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_BRIDGE = Path("/sys/class/net/docker0")


def missing() -> str | None:
    """Why it cannot be used here; None when it can."""
    if os.geteuid() != 0:
        return "needs root: it starts a Docker daemon and makes base systems"
    lacking = [name for name in (*PROGRAMS, "busybox") if shutil.which(name, path=_SYSTEM) is None]
    return f"needs {', '.join(lacking)}, of Debian's packages" if lacking else None


class Daemon:
    """A daemon, from `start` to `stop`.

    Args:
        directory: for its socket, its log, and what it keeps while it runs.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # Sockets have short names.
        self._run = Path(tempfile.mkdtemp(prefix="vardkase-docker-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._rules = b""
        self._forward = ""
        self._bridged = False

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which Docker's programs find it."""
        return {"PATH": _SYSTEM, "HOME": str(self.directory), "DOCKER_HOST": f"unix://{self._run}/docker.sock"}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._rules = subprocess.run(
            ["iptables-save"], env=self.environment, capture_output=True, check=True, timeout=30
        ).stdout
        self._forward = _FORWARD.read_text()
        self._bridged = _BRIDGE.exists()
        (CACHE / "docker").mkdir(parents=True, exist_ok=True)
        command = ["dockerd", "--host", self.environment["DOCKER_HOST"], "--data-root", str(CACHE / "docker")]
        command += ["--exec-root", str(self._run / "exec"), "--pidfile", str(self._run / "docker.pid")]
        command += ["--bip", "172.30.255.1/24", "--default-address-pool", "base=172.30.0.0/17,size=24"]
        with (self.directory / "dockerd.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START
        while self.run("docker", "version", check=False).returncode:
            said = (self.directory / "dockerd.log").read_text()[-2000:]
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.2)

    def stop(self) -> None:
        """End it; and leave the computer's network as it was."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if not self._bridged:
            subprocess.run(["ip", "link", "delete", _BRIDGE.name], env=self.environment, check=False, timeout=30)
        subprocess.run(["iptables-restore"], env=self.environment, input=self._rules, check=False, timeout=30)
        _FORWARD.write_text(self._forward)
        shutil.rmtree(self._run, ignore_errors=True)

    def run(
        self,
        *command: str,
        check: bool = True,
        within: float = 300.0,
        cwd: Path | None = None,
        more: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run one of Docker's programs.

        Args:
            command: and its arguments.
            check: fail, with what it said, when it does.
            within: seconds that it may take.
            cwd: where it runs.
            more: variables besides.
        """
        done = subprocess.run(
            [_built_in(command[0]), *command[1:]],
            env=self.environment | dict(more or {}),
            cwd=cwd or self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=within,
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done

    def build(self, tag: str, context: Path, *options: str, within: float = 540.0) -> None:
        """Build an image, with the computer's own network."""
        command = ["docker", "build", "--network", "host", "--progress", "plain", "--tag", tag, *options, str(context)]
        self.run(*command, within=within, more={"DOCKER_BUILDKIT": "1"})

    def has(self, images: Sequence[str]) -> bool:
        """Whether it has all of these images."""
        return not self.run("docker", "image", "inspect", *images, check=False).returncode


def _built_in(program: str) -> str:
    """Debian's own: a newer command line has BuildKit in a package of its own, which may not be here."""
    debian = Path("/usr/bin") / program
    return str(debian) if debian.exists() else program
