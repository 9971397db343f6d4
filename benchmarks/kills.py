"""Kill -9 of a worker, of the database, of `latticefarm run`, at random moments of a campaign of cheap real jobs.

    python benchmarks/kills.py [--kills 20] [--directory DIR]
    python benchmarks/kills.py --labels 60 --kills 10

With `--labels` the campaign computes that many structures' labels itself, and ends in an MD. First the campaign runs undisturbed, then again under kills. In the end every record must be stored once, no job
may have been begun more often than kills allow, and every model must be the undisturbed one to the last bit
(resumed trainings are counted). Run again with the same directory, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp

import psutil

sys.path.insert(0, str(Path(__file__).parent))
from springs import write_campaign, write_labelling_campaign

SLOTS = 2


def main() -> int:
    asked = arguments()
    if asked.labels:
        spec = write_labelling_campaign(asked.directory / "campaign", asked.labels, asked.seconds, md_steps=4000)
    else:
        spec = write_campaign(asked.directory / "campaign", seeds=asked.seeds, epochs=asked.epochs)
    calm = run_calm(asked.directory / "calm", spec)
    kills = run_killed(asked.directory / "killed", spec, asked.kills, random.Random(asked.random_seed))
    return compare(calm, snapshot(asked.directory / "killed"), kills)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--labels", type=int, default=0, metavar="STRUCTURES")
    parser.add_argument("--seconds", type=float, default=1.0, help="what a label takes at least")
    parser.add_argument("--random-seed", type=int, default=1)
    # short: a socket's path may have 107 bytes
    parser.add_argument("--directory", type=Path, default=None)
    asked = parser.parse_args()
    asked.directory = (asked.directory or Path(mkdtemp(prefix="lf-kills-"))).absolute()
    return asked


def environment(home: Path) -> dict[str, str]:
    home.mkdir(parents=True, exist_ok=True)
    here = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]  # the toy engines' calculators
    return os.environ | {"LATTICEFARM_HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(here)}


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from campaign.cli import run_main; run_main()", *words]


def start_run(home: Path, spec: Path) -> subprocess.Popen[bytes]:
    with (home / "run.log").open("ab") as log:
        return subprocess.Popen(
            command("run", str(spec), "--slots", str(SLOTS), "--no-report"), env=environment(home), stdout=log, stderr=log
        )


def run_calm(home: Path, spec: Path) -> dict:
    environment(home)
    began = time.monotonic()
    code = start_run(home, spec).wait()
    print(f"undisturbed: exit {code} after {time.monotonic() - began:.0f} s", flush=True)
    return snapshot(home)


def run_killed(home: Path, spec: Path, kills: int, chance: random.Random) -> Counter[str]:
    """Run under kills; how many of each kind there were."""
    environment(home)
    done: Counter[str] = Counter()
    process = start_run(home, spec)
    while sum(done.values()) < kills:
        time.sleep(chance.uniform(2.0, 15.0))
        if process.poll() is not None:
            if process.returncode == 0:
                print("the campaign ended before all kills were made: ask for more seeds or epochs")
                break
            process = start_run(home, spec)
            continue
        victim = chance.choice(["worker", "database", "run"])
        if kill(victim, process, home, chance):
            done[victim] += 1
            print(f"kill {sum(done.values())}: {victim}", flush=True)
        if victim == "run":
            process.wait()
            process = start_run(home, spec)
    code = process.wait(1800)
    if code != 0:
        code = start_run(home, spec).wait(1800)
    print(f"after {sum(done.values())} kills ({dict(done)}): exit {code}", flush=True)
    return done


def kill(victim: str, process: subprocess.Popen[bytes], home: Path, chance: random.Random) -> bool:
    try:
        if victim == "run":
            process.kill()
            return True
        if victim == "database":
            os.kill(database_process(home), signal.SIGKILL)
            return True
        workers = [one for one in psutil.Process(process.pid).children() if "launchers.workers.slot" in one.cmdline()]
        chance.choice(workers).kill()
        return True
    except (psutil.NoSuchProcess, ProcessLookupError, IndexError, KeyError, TypeError, subprocess.CalledProcessError):
        return False


def database_process(home: Path) -> int:
    """The number of the database's process."""
    facts = subprocess.run(command("db", "status", "--json"), env=environment(home), capture_output=True, text=True, check=True)
    return json.loads(facts.stdout)["process"]


def snapshot(home: Path) -> dict:
    """The records of the models, by key, and how often each job was begun."""
    script = (
        "import json\nfrom launchers.database import ladder\nfrom launchers.farm import Farm\n"
        "farm = Farm.open(ladder.start())\n"
        "names = {job['uuid']: job['name'] for job in farm.outputs.find({}, {'uuid': 1, 'name': 1})}\n"
        "records = farm.records(names)\n"
        "copies = {uuid: farm.outputs.count_documents({'uuid': uuid}) for uuid in names}\n"
        "launches = [fw['fw_id'] for fw in farm.launchpad.launches.find({}, {'fw_id': 1})]\n"
        "keys = [wf['metadata']['key'] for wf in farm.launchpad.workflows.find({}, {'metadata.key': 1})]\n"
        "states = [fw['state'] for fw in farm.launchpad.fireworks.find({}, {'state': 1})]\n"
        "models = {uuid: [record['weights_sha256'], record['resumed_from_epochs']]\n"
        "          for uuid, record in records.items() if 'learning_curve' in record}\n"
        "labels = {uuid: [record['energy_eV'], record['forces_eV_A']]\n"
        "          for uuid, record in records.items() if 'energy_eV' in record}\n"
        "spectra = {uuid: record['total'] for uuid, record in records.items() if 'starts' in record}\n"
        "print(json.dumps(dict(names=names, copies=copies, launches=launches, keys=keys, states=states,\n"
        "                      models=models, labels=labels, spectra=spectra)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(home), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def results(found: dict) -> set[str]:
    """All records but those of chunks: how labels are shared out depends on what they have cost."""
    return {uuid for uuid, name in found["names"].items() if not name.startswith("label ")}


def compare(calm: dict, killed: dict, kills: Counter[str]) -> int:
    again = begun_again(killed)
    checks = checked(calm, killed) | {"at most what was in hand began again": again <= SLOTS * sum(kills.values())}
    print(f"{len(killed['labels'])} labels, {len(killed['models'])} models, {len(resumed(killed))} of them resumed; {again} launches more than jobs")
    return said(checks)


def begun_again(found: dict) -> int:
    """How many launches there were beyond one a job."""
    return len(found["launches"]) - len(set(found["launches"]))


def resumed(found: dict) -> list[str]:
    """The models of which a training was stopped and went on."""
    return [uuid for uuid, (_, epochs) in found["models"].items() if epochs]


def checked(calm: dict, killed: dict) -> dict[str, bool]:
    """What has to hold after kills. Labels of energies and forces are compared where they were computed here."""
    gone_on = set(resumed(killed))
    same = {uuid: killed["models"].get(uuid, [None])[0] == sha256 for uuid, (sha256, _) in calm["models"].items()}
    checks = {
        "the same records": results(calm) == results(killed),
        "every record once": set(killed["copies"].values()) == {1},
        "one workflow a key": len(killed["keys"]) == len(set(killed["keys"])),
        "all completed": set(killed["states"]) == {"COMPLETED"},
        "models from zero are the undisturbed ones": all(same[uuid] for uuid in same.keys() - gone_on),
        "resumed models are the undisturbed ones": all(same[uuid] for uuid in same.keys() & gone_on),
        "the same labels": calm["labels"] == killed["labels"],
    }
    if calm["spectra"]:
        checks["the same densities of states"] = calm["spectra"] == killed["spectra"]
    return checks


def said(checks: dict[str, bool]) -> int:
    """Print them; 0 if all hold."""
    for what, holds in checks.items():
        print(f"{'yes' if holds else 'NO '}  {what}")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
