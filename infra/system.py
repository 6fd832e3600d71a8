"""Programs that local services need, and how a machine gets them.

On Debian and Ubuntu, as root, a missing one is installed; elsewhere one line says what to install.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from infra.settings import child_environment

JAVA_MIN = 17
"""Kafka 4 brokers need it."""

JAVA_HOMES = Path("/usr/lib/jvm")
"""Where Debian puts every Java, whichever is the default."""

INSTALL_S_MAX = 900


class Missing(RuntimeError):
    """A program is not there and may not be installed by us; the message is one line that says how to get it."""


class Program(NamedTuple):
    """A program and the Debian packages that bring it, the first that exists wins."""

    what: str
    packages: tuple[str, ...]


REDIS = Program("redis-server", ("redis-server",))
MAVEN = Program("mvn", ("maven",))
JAVA = Program("java", ("openjdk-17-jre-headless", "openjdk-21-jre-headless", "openjdk-25-jre-headless"))


def need_redis() -> str:
    """Path of redis-server. Raises Missing."""
    return _need(REDIS)


def need_maven() -> str:
    """Path of mvn. Raises Missing."""
    return _need(MAVEN)


def need_java() -> str:
    """Path of a java of at least JAVA_MIN. Raises Missing."""
    found = _new_java()
    if found is None:
        install(JAVA)
        found = _new_java()
    if found is not None:
        return found
    raise Missing(f"Java {JAVA_MIN} or newer was not found after installing {JAVA.packages[0]}: put its java first in PATH")


def java_version(path: str) -> int | None:
    """Major version that `java -version` prints, None when it does not run."""
    try:
        shown = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    return major_version(shown)


def major_version(shown: str) -> int | None:
    """The major version in the text of `java -version`.

    >>> major_version('openjdk version "17.0.15" 2025-04-15'), major_version('java version "1.8.0_402"')
    (17, 8)
    """
    found = re.search(r'version "(?:1\.)?(\d+)', shown)
    return int(found.group(1)) if found else None


def install(program: Program) -> None:
    """Install `program` by apt-get where we may. Raises Missing with one line for the operator."""
    apt = shutil.which("apt-get")
    if apt is None:
        raise Missing(f"{program.what} is missing: install it with your system's package manager (Debian's name: {program.packages[0]})")
    if os.geteuid() != 0:
        raise Missing(f"{program.what} is missing: sudo apt-get install --no-install-recommends {program.packages[0]}")
    print(f"segue: {program.what} is missing, installing it with apt-get", file=sys.stderr, flush=True)
    _apt(apt, "update", "-q")
    for package in program.packages:
        if _apt(apt, "install", "-y", "-q", "--no-install-recommends", package):
            return
    raise Missing(
        f"{program.what} is missing and apt-get could not install any of {', '.join(program.packages)}; run it by hand to see why"
    )


def _need(program: Program) -> str:
    found = shutil.which(program.what)
    if found is None:
        install(program)
        found = shutil.which(program.what)
    if found is None:
        raise Missing(f"{program.what} is not in PATH although {program.packages[0]} is installed")
    return found


def _new_java() -> str | None:
    """The first that is new enough: PATH before Debian's folder (an old default may hide a new one)."""
    first = shutil.which("java")
    others = sorted(str(path) for path in JAVA_HOMES.glob("*/bin/java"))
    candidates = ([first] if first else []) + others
    return next((path for path in candidates if (java_version(path) or 0) >= JAVA_MIN), None)


def _apt(apt: str, *arguments: str) -> bool:
    # RUNLEVEL=1 keeps the package from starting a server of its own at once: ours run on free ports, as children.
    env = child_environment({"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"})
    done = subprocess.run([apt, *arguments], env=env, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=INSTALL_S_MAX)
    return done.returncode == 0
