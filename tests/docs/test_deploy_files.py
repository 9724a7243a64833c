"""docs/deploy: the unit and the Dockerfile that the page prints; compose and Kubernetes, confined; systemd is notified."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

from places import DOCS, page_file
from shipperone_erp.engine.service_manager import notify, signs_of_life, watchdog

DEPLOY = DOCS / "deploy"


@pytest.mark.parametrize(("kind", "file"), [("ini", "shipperone-erp.service"), ("dockerfile", "Dockerfile")])
def test_the_page_prints_the_file(kind, file):
    page = page_file("deployment.md").read_text(encoding="utf-8")
    (printed,) = re.findall(rf"^```{kind}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert printed == (DEPLOY / file).read_text(encoding="utf-8")


def documents(name):
    yaml = pytest.importorskip("yaml", reason="pip install pyyaml")
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def test_compose_runs_without_root_on_a_read_only_root():
    (compose,) = documents("compose.yaml")
    service = compose["services"]["shipperone-erp"]
    assert service["read_only"] is True
    assert service["user"] == "10001:10001"
    assert service["cap_drop"] == ["ALL"]
    assert int(service["stop_grace_period"].removesuffix("s")) > 30
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    assert set(service["secrets"]) <= set(compose["secrets"])
    named = {volume.split(":")[0] for volume in service["volumes"] if not volume.startswith("/")}
    assert named <= set(compose["volumes"])
    assert "ports" not in service, "the page is not published without people and TLS"


def test_kubernetes_runs_one_replica_confined_and_probes_the_page():
    configuration, claim, deployment = documents("kubernetes.yaml")
    settings = tomllib.loads(configuration["data"]["shipperone-erp.toml"])
    spec = deployment["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    assert pod["terminationGracePeriodSeconds"] > 30
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    for probe, path in (("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/livez")):
        assert f"http://{settings['runtime']['http']}{path}" in container[probe]["exec"]["command"][-1]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounted) == {volume["name"] for volume in pod["volumes"]}
    assert settings["runtime"]["ledger"].startswith(f"sqlite:///{mounted['ledger']}/")
    assert settings["tenants"]["acme"]["token"]["file"].startswith(mounted["acme-token"])
    assert claim["metadata"]["name"] == pod["volumes"][0]["persistentVolumeClaim"]["claimName"]


@pytest.fixture
def systemd():
    """A socket as systemd opens one for a unit with Type=notify, in a short path: 108 bytes are the most."""
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening,
    ):
        listening.bind(str(Path(folder) / "notify"))
        listening.settimeout(60)
        yield listening


def test_signs_of_life_come_from_the_loop_and_only_where_systemd_waits(systemd):
    place = systemd.getsockname()
    assert notify("READY=1", {"NOTIFY_SOCKET": place})
    assert systemd.recv(100) == b"READY=1"
    assert not notify("READY=1", {})
    assert not notify("READY=1", {"NOTIFY_SOCKET": f"{place}.gone"})
    assert watchdog({}) is None
    assert watchdog({"WATCHDOG_USEC": "x"}) is None
    assert watchdog({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}) is None
    assert watchdog({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}) == 60

    async def beating() -> None:
        with contextlib.suppress(TimeoutError):
            environment = {"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "60000"}
            await asyncio.wait_for(signs_of_life(environment), 0.1)

    asyncio.run(beating())
    assert [systemd.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    asyncio.run(signs_of_life({}))


def test_a_service_reports_that_it_is_ready_alive_and_stopping(world, systemd):
    world.write()
    environment = {**world.process_environment(), "NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "300000"}
    command = [sys.executable, "-c", "from shipperone_erp.cli import main; main()", "run", "-c", str(world.file)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as running:
        try:
            notifications = {systemd.recv(100) for _ in range(4)}
            assert notifications == {b"READY=1", b"WATCHDOG=1"}
            running.send_signal(signal.SIGTERM)
            while (last := systemd.recv(100)) == b"WATCHDOG=1":
                pass
            assert last == b"STOPPING=1"
            assert running.wait(40) == 0
        finally:
            running.kill()
