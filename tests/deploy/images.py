"""Stand-ins for the images that docker-compose.yml names, where none can be pulled.

Python and PostgreSQL are Debian's, by debootstrap; nats-server is that of its wheel, Prometheus and Alertmanager
Debian's packages. Grafana is not to be had: its stand-in says that it is well if it can read what it would be
provisioned with. What is under test is ours: our image, the configuration, and how the containers are put together.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from deploy.daemon import CACHE, Daemon
from servers import BINARY

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = "vardkase:0.1.0"
_MIRROR = "http://deb.debian.org/debian"
_SYSTEMS = {"python": "python3,python3-venv,ca-certificates", "postgres": "postgresql-15"}
_POSTGRES = Path(__file__).with_name("postgres-standin.sh")


def python_image() -> str:
    """The name of the image that ours is made from."""
    found = re.search(r"^ARG PYTHON=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def named(repository: str) -> str:
    """An image as docker-compose.yml names it, with its version."""
    return next(each["image"] for each in COMPOSE["services"].values() if each["image"].startswith(f"{repository}:"))


def stand_in(daemon: Daemon, scratch: Path) -> None:
    """Make the stand-ins that are not there yet."""
    _import(daemon, "python", python_image(), "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    _import(
        daemon, "postgres", "standin/postgres:15", "ENV PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    )
    base = python_image()
    tools = {"busybox": Path(shutil.which("busybox") or "")}
    links = "RUN ln -s busybox /bin/wget\n"
    _made(
        daemon,
        scratch,
        named("nats"),
        "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nCOPY busybox /bin/wget\n"
        "COPY nats-server /bin/nats-server\nENV PATH=/bin\n",
        tools | {"nats-server": BINARY},
    )
    _made(
        daemon,
        scratch,
        named("postgres"),
        "FROM standin/postgres:15\nRUN usermod --uid 999 postgres && groupmod --gid 999 postgres"
        " && mkdir /docker-entrypoint-initdb.d\n"
        'COPY entrypoint.sh /entrypoint.sh\nENTRYPOINT ["/bin/bash", "/entrypoint.sh"]\nCMD ["postgres"]\n',
        {"entrypoint.sh": _POSTGRES},
    )
    templates = Path("/usr/share/prometheus/alertmanager")  # the official program has them in itself
    for repository, program, debian, more in (
        ("prom/prometheus", "prometheus", "prometheus", {}),
        (
            "prom/alertmanager",
            "alertmanager",
            "prometheus-alertmanager",
            {each.name: each for each in sorted(templates.glob("*.tmpl"))},
        ),
    ):
        _made(
            daemon,
            scratch,
            named(repository),
            f"FROM {base}\nCOPY busybox /bin/busybox\n{links}COPY {program} /bin/{program}\n"
            + "".join(f"COPY {name} {path}\n" for name, path in more.items())
            + f'ENTRYPOINT ["/bin/{program}"]\n',
            tools | more | {program: Path(shutil.which(debian) or "")},
        )
    _made(
        daemon,
        scratch,
        named("grafana/grafana"),
        f"FROM {base}\nCOPY busybox /bin/busybox\n{links}RUN mkdir -p /srv/api && echo ok >/srv/api/health\n"
        'ENTRYPOINT ["/bin/sh", "-ec", "cat /etc/grafana/provisioning/*/*.yml /var/lib/grafana-dashboards/*.json'
        " $GF_SECURITY_ADMIN_PASSWORD__FILE >/dev/null; touch /var/lib/grafana/x;"
        ' exec busybox httpd -f -p 3000 -h /srv"]\n',
        tools,
    )


def ours(daemon: Daemon) -> None:
    """Build our image as an operator does; with what pip and the system trust here, as secrets that stay out of it."""
    secrets = {"pip": Path("/etc/pip.conf"), "ca": Path("/etc/ssl/certs/ca-certificates.crt")}
    options = [
        word for name, path in secrets.items() if path.exists() for word in ("--secret", f"id={name},src={path}")
    ]
    daemon.build(OURS, ROOT, *options)


def _import(daemon: Daemon, system: str, tag: str, *changes: str) -> None:
    if daemon.has([tag]):
        return
    archive = CACHE / f"{system}.tar"
    if not archive.exists():
        _bootstrap(system, archive)
    daemon.run("docker", "import", *(word for each in changes for word in ("--change", each)), str(archive), tag)


def _bootstrap(system: str, archive: Path) -> None:
    """A small Debian, in an archive."""
    packages, folder = CACHE / "debs", CACHE / f"{system}.new"
    packages.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    command = ["debootstrap", "--variant=minbase", f"--cache-dir={packages}", f"--include={_SYSTEMS[system]}"]
    _checked([*command, "bookworm", str(folder), _MIRROR])
    fresh = archive.with_name(f"{archive.name}.new")
    _checked(["tar", "-C", str(folder), "--exclude=./var/cache/apt/archives/*.deb", "-cf", str(fresh), "."])
    fresh.replace(archive)
    shutil.rmtree(folder)


def _checked(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def _made(daemon: Daemon, scratch: Path, tag: str, dockerfile: str, files: dict[str, Path]) -> None:
    context = scratch / re.sub(r"\W", "-", tag)
    context.mkdir(parents=True)
    (context / "Dockerfile").write_text(dockerfile)
    for name, path in files.items():
        shutil.copyfile(path, context / name)
        (context / name).chmod(0o755)
    daemon.build(tag, context)
