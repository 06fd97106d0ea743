"""A real SLURM on one machine, for tests and for trying the profile: two nodes with two stand-in GPUs each.

    python tests/slurm/cluster.py install     # Debian's packages, as root
    python tests/slurm/cluster.py start       # prints the line that puts its commands on PATH
    python tests/slurm/cluster.py stop        # ends all its jobs and processes

Nothing outside its folder is touched. A GPU is a character device such as /dev/zero: SLURM hands it out and
sets CUDA_VISIBLE_DEVICES, but nothing can be computed on it.
"""

from __future__ import annotations

import argparse
import getpass
import os
import re
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from packages import COMMANDS, ClusterError, install, program_path
from processes import MARK, processes_of, wait_until

NODES = ("n1", "n2")

SLURM_CONF = """\
ClusterName=lslo
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
SlurmdSpoolDir={folder}/spool/%n
StateSaveLocation={folder}/state
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket
CredType=cred/munge
# No control groups, which containers and ordinary users may not have.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
# A line for every job that ended.
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/log/jobs.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=bf_interval=1,sched_min_interval=0,batch_sched_delay=0
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
# Seconds between SIGTERM and SIGKILL: SLURM's default.
KillWait=30
MinJobAge=3600
# Job scripts see the processors and memory named here, whatever the machine has.
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=8 RealMemory=256000 Gres=gpu:2
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=8 RealMemory=256000 Gres=gpu:2
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=ALL MaxTime=INFINITE State=UP
"""
GRES_CONF = """\
AutoDetect=off
Name=gpu File=/dev/zero
Name=gpu File=/dev/full
"""


def free_ports(number: int) -> list[int]:
    """Returns ports that no process listens on at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


class Cluster:
    """The cluster in a folder, running or not.

    The folder's path must be short, because a socket lies in the folder.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which SLURM's commands use this cluster."""
        return {
            **os.environ,
            # Not SLURM_CONF alone, which jobs of Snakemake's plugin clear before they start their step.
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            # Without this, a job with GPUs refuses to compute where PyTorch sees none.
            "LSLO_STAND_IN_GPUS": "1",
            MARK: str(self.folder),
        }

    def command(self, *command: str, check: bool = True) -> str:
        """Runs one of SLURM's commands and returns its output.

        Args:
            *command: The command and its arguments.
            check: Whether a failure raises an error.

        Raises:
            ClusterError: The command failed.
        """
        result = subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            timeout=60,
        )
        if check and result.returncode != 0:
            raise ClusterError(f"{shlex.join(command)}: {result.stdout.strip()}")
        return result.stdout

    def jobs(self, folder: Path | str) -> list[dict[str, str]]:
        """Returns SLURM's records of all jobs that were submitted from a folder, ended jobs included.

        The records are in the order of submission, and their fields are named as in `scontrol show job`.
        """
        lines = self.command("scontrol", "show", "job", "--all", "--detail", "--oneliner").splitlines()
        # A field of two words, such as a comment, keeps only the first.
        records = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines]
        return [record for record in records if record.get("WorkDir") == str(folder)]

    def node_state(self, node: str) -> str:
        """Returns a node's state as sinfo names it, such as `idle`, `mixed` or `drained`."""
        return self.command(
            "sinfo", "--noheader", f"--nodes={node}", "--partition=gpu", "--format=%T"
        ).strip()

    def queue(self) -> list[str]:
        """Returns the ids of the jobs that wait, run or are about to end."""
        return self.command("squeue", "--noheader", "--format=%i").split()

    def cancel_all(self) -> None:
        """Cancels all jobs and waits until they have ended."""
        self.command("scancel", f"--user={getpass.getuser()}")
        if not wait_until(lambda: not self.queue(), 60):
            raise ClusterError(f"jobs do not end: {self.queue()}")

    def start(self) -> None:
        """Starts the daemons and waits until both nodes accept jobs."""
        for name in ("bin", "run", "log", "state", "spool"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # munged requires a folder for its socket that all may enter and only its user may write to.
        for folder in (self.folder, self.folder / "run"):
            folder.chmod(0o755)
        self._write_files()
        munge = {
            "key-file": "run/munge.key",
            "socket": "run/munge.socket",
            "pid-file": "run/munged.pid",
            "log-file": "log/munged.log",
            "seed-file": "run/munge.seed",
        }
        self._daemon("munged", *(f"--{name}={self.folder / file}" for name, file in munge.items()))
        configuration = str(self.folder / "slurm.conf")
        self._daemon("slurmctld", "-c", "-f", configuration)
        for node in NODES:
            self._daemon("slurmd", "-N", node, "-f", configuration)
        if not wait_until(lambda: all(self.node_state(node) == "idle" for node in NODES), 60):
            logs = "".join(path.read_text() for path in sorted((self.folder / "log").glob("*.log")))
            raise ClusterError(f"the nodes did not come up; logs in {self.folder}/log:\n{logs[-3000:]}")

    def stop(self) -> None:
        """Ends all jobs and processes of the cluster, whatever state they are in."""
        for signal_number, seconds in ((signal.SIGTERM, 3), (signal.SIGKILL, 10)):
            # Repeated, since a daemon that is ending may just have started another process.
            if wait_until(lambda number=signal_number: not self._signal(number), seconds):
                return
        raise ClusterError(f"processes do not end: {processes_of(self.folder)}")

    def watch(self, process: int) -> None:
        """Starts a process that stops the cluster when another process has ended, however it ended.

        Args:
            process: The id of the process to watch.
        """
        subprocess.Popen(
            [sys.executable, __file__, "watch", str(self.folder), str(process)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _write_files(self) -> None:
        (self.folder / "slurm.conf").write_text(
            SLURM_CONF.format(
                folder=self.folder,
                host=socket.gethostname().split(".")[0],
                user=getpass.getuser(),
                ports=free_ports(3),
            )
        )
        (self.folder / "gres.conf").write_text(GRES_CONF)
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        key = self.folder / "run/munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        for name in COMMANDS:
            program = program_path(name)
            wrapper = self.folder / "bin" / name
            wrapper.write_text(
                f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {program} "$@"\n',
            )
            wrapper.chmod(0o755)
        (self.folder / "environment").write_text(
            "".join(
                f"export {name}={shlex.quote(self.environment[name])}\n"
                for name in ("PATH", "SLURM_CONF", "LSLO_STAND_IN_GPUS")
            )
        )

    def _daemon(self, program: str, *arguments: str) -> None:
        """Starts a daemon, which puts itself into the background."""
        result = subprocess.run(
            [program_path(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.folder,
            timeout=60,
        )
        if result.returncode != 0:
            raise ClusterError(f"{program} did not start: {result.stderr.strip()}")

    def _signal(self, number: int) -> list[int]:
        """Sends a signal to all processes of the cluster and returns their ids."""
        found = processes_of(self.folder)
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        return found


def main() -> None:
    """Installs, starts, stops or watches a cluster, as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("install", "start", "stop", "watch"))
    default = Path(tempfile.gettempdir()) / "lslo-slurm"
    parser.add_argument("folder", nargs="?", type=Path, default=default, help=f"default: {default}")
    parser.add_argument("process", nargs="?", type=int, help="watch: stop the cluster when it has ended")
    arguments = parser.parse_args()
    cluster = Cluster(arguments.folder.resolve())
    try:
        if arguments.action == "install":
            install()
        elif arguments.action == "start":
            install()
            cluster.stop()
            cluster.start()
            print(f"source {cluster.folder}/environment")
        elif arguments.action == "stop":
            cluster.stop()
        else:
            while Path(f"/proc/{arguments.process}").exists():
                time.sleep(0.5)
            cluster.stop()
    except ClusterError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
