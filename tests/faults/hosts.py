"""Two hosts on one machine: namespaces with names, addresses and shared memory of their own, and a cable between them that
can be pulled."""
import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import program

NAMES = ("host1", "host2")
ADDRESSES = ("10.231.7.1", "10.231.7.2")
KINDS = ("net", "uts", "mount", "ipc")
# The first process of a host, which keeps it.
FIRST = """
hostname {name}
mount -t tmpfs none /dev/shm
mount --bind {folder}/hosts /etc/hosts
ip link set lo up
echo up
exec sleep infinity
"""


def why_not():
    if os.geteuid() != 0:
        return "needs root: it makes network namespaces"
    missing = [tool for tool in ("ip", "nsenter", "unshare") if not shutil.which(tool)]
    if missing:
        return f"needs {', '.join(missing)}"
    return None if subprocess.run(["unshare", "--net", "ip", "link", "add", "end1", "type", "veth", "peer", "name", "end2"],
                                  capture_output=True).returncode == 0 else "the kernel has no veth"


class TwoHosts:
    """Use as `with TwoHosts(folder) as hosts:`; mpirun starts on the first one, with a rank on each."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.firsts = []

    def __enter__(self):
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"{address} {name}\n" for name, address in zip(NAMES, ADDRESSES)))
        (self.folder / "hostfile").write_text("".join(f"{name} slots=1\n" for name in NAMES))
        try:
            for name in NAMES:
                first = subprocess.Popen(
                    ["unshare", *(f"--{kind}" for kind in KINDS), "--propagation", "private", "bash", "-c",
                     FIRST.format(name=name, folder=self.folder)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
                self.firsts.append(first)
                assert first.stdout.readline() == b"up\n", f"cannot make {name}"
            ends = [f"cf{os.getpid()}{letter}" for letter in "ab"]
            subprocess.run(["ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1]], check=True)
            for end, first, address in zip(ends, self.firsts, ADDRESSES):
                subprocess.run(["ip", "link", "set", end, "netns", str(first.pid), "name", "cable"], check=True)
                inside = ["nsenter", "--net", "-t", str(first.pid), "ip"]
                subprocess.run([*inside, "address", "add", f"{address}/24", "dev", "cable"], check=True)
                subprocess.run([*inside, "link", "set", "cable", "up"], check=True)
            self.write_agent()
        except BaseException:
            self.__exit__()
            raise
        return self

    def write_agent(self):
        """What mpirun uses in place of ssh: HOST COMMAND…"""
        agent = self.folder / "agent"
        cases = "".join(f"  {name}) first={first.pid} ;;\n" for name, first in zip(NAMES, self.firsts))
        agent.write_text(f"#!/bin/sh\ncase $1 in\n{cases}esac\nshift\nexec nsenter -t \"$first\" "
                         f"{' '.join(f'--{kind}' for kind in KINDS)} sh -c \"$*\"\n")
        agent.chmod(0o755)

    def __exit__(self, *_):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for first in self.firsts:
            first.wait()
            first.stdout.close()

    def processes(self):
        """Everything that runs on either host."""
        spaces = {os.readlink(f"/proc/{first.pid}/ns/uts") for first in self.firsts if first.poll() is None}
        for pid in program.all_processes():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/ns/uts") in spaces:
                    yield pid

    def prefix(self):
        """Puts a command onto the first host."""
        return ["nsenter", "-t", str(self.firsts[0].pid), *(f"--{kind}" for kind in KINDS)]

    def environment(self):
        return program.environment(
            OMPI_MCA_plm_rsh_agent=str(self.folder / "agent"), OMPI_MCA_orte_default_hostfile=str(self.folder / "hostfile"),
            OMPI_MCA_rmaps_base_mapping_policy="node", OMPI_MCA_btl_tcp_if_include="cable", OMPI_MCA_oob_tcp_if_include="cable")

    def cable(self, state):
        """`state`: "up" or "down"."""
        subprocess.run(["nsenter", "--net", "-t", str(self.firsts[1].pid), "ip", "link", "set", "cable", state], check=True)

    def ranks(self):
        """{rank: process} on both hosts."""
        found = {program.rank_of(pid): pid for pid in self.processes()}
        found.pop(None, None)
        return found
