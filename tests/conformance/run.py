#!/usr/bin/python3
"""Runs the conformance suite: starts `mainstay server` and `mainstay agent` in network, mount and process namespaces of its own,
applies many cases at once, each in a Kubernetes namespace of its own, and judges each. One line for each case, then a summary.
See README.md beside this file."""
import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))
from api import Api, Refused, World  # noqa: E402
from case import Case, Mistake  # noqa: E402
from judge import Judge, node_address  # noqa: E402

NODE = "conform-node"
SERVER_CONFIG = "network:\n  podCIDR: 10.214.0.0/16\n  serviceCIDR: 10.215.0.0/16\n"
HYBRID = "/sys/fs/cgroup/unified"


def sh(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


# ---- outside: the namespaces, and what they cannot take away ------------------------------------------------------

def mark_of(work):
    """What an agent calls its cgroup and its folder in /run, after its data directory."""
    return "mainstay-" + hashlib.sha256((work + "/node").encode()).hexdigest()[:10]


def cgroups_of(mark):
    """Deepest first. A folder `unified` that is no mount is crun's own invention and holds no processes."""
    found = [path for path, _, _ in os.walk("/sys/fs/cgroup", topdown=False) if f"/{mark}" in path]
    return [path for path in found if not path.startswith(HYBRID + "/") or os.path.ismount(HYBRID)]


def outside(options):
    work = tempfile.mkdtemp(prefix="mc-", dir="/tmp")
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable,
               str(here / "run.py"), "--inside", work, *sys.argv[1:]]
    child = subprocess.Popen(command)

    def end(*_):
        child.kill()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    code = child.wait()
    for path in cgroups_of(mark_of(work)):
        for _ in range(100):
            try:
                os.rmdir(path)
                break
            except OSError:
                time.sleep(0.02)
    shutil.rmtree("/run/" + mark_of(work), ignore_errors=True)
    if code == 0 or not options.keep:
        shutil.rmtree(work, ignore_errors=True)
    else:
        print(f"kept: {work}")
    return code if code >= 0 else 1


# ---- inside: a machine of its own ---------------------------------------------------------------------------------

def make_machine(work, options):
    """An interface with a default route, the node's own resolver and hosts file, room for hostPath volumes."""
    for line in ("link set lo up", "link add up0 type veth peer name up1", "addr add 192.0.2.2/24 dev up0",
                 "link set up0 up", "link set up1 up", "route add default via 192.0.2.1"):
        sh("ip", *line.split())
    etc = {"resolv.conf": "nameserver 192.0.2.2\nsearch node.example\n", "hosts": "127.0.0.1 localhost\n192.0.2.7 on-the-node\n"}
    for name, text in etc.items():
        path = f"{work}/{name}"
        pathlib.Path(path).write_text(text)
        sh("mount", "--bind", path, f"/etc/{name}")
    sh("mount", "-t", "tmpfs", "tmpfs", "/srv")
    pathlib.Path("/srv/file").write_text("a file of the node\n")
    pathlib.Path("/srv/directory").mkdir()
    os.mkfifo("/srv/pipe")
    if options.oci_runtime.endswith("crun") and os.path.ismount(HYBRID):
        show_plain_cgroups(work)


def show_plain_cgroups(work):
    """crun refuses cgroup v1 with v2 beside it: here it finds the former alone, in a /sys/fs/cgroup of its own."""
    plain = work + "/cgroup"
    os.mkdir(plain)
    sh("mount", "-t", "tmpfs", "tmpfs", plain)
    for name in os.listdir("/sys/fs/cgroup"):
        path = "/sys/fs/cgroup/" + name
        if path != HYBRID and os.path.ismount(path):
            os.mkdir(f"{plain}/{name}")
            sh("mount", "--bind", path, f"{plain}/{name}")
    sh("mount", "--move", plain, "/sys/fs/cgroup")


class Cluster:
    def __init__(self, binary, work, options):
        self.binary, self.work, self.options, self.children = binary, work, options, []
        self.node_dir = work + "/node"

    def start(self, name, *arguments):
        log = open(f"{self.work}/{name}.log", "ab")
        child = subprocess.Popen([self.binary, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.children.append((name, child))

    def check(self):
        for name, child in self.children:
            if child.poll() is not None:
                raise SystemExit(f"the {name} has ended by itself with {child.returncode}:\n{self.tail(name)}")

    def tail(self, name, lines=30):
        return "\n".join(pathlib.Path(f"{self.work}/{name}.log").read_text(errors="replace").splitlines()[-lines:])

    def wait(self, what, condition):
        end = time.monotonic() + 60
        while not condition():
            self.check()
            if time.monotonic() > end:
                raise SystemExit(f"waited in vain for {what}\n{self.tail('server')}")
            time.sleep(0.1)

    def begin(self):
        data, simulated = self.work + "/server", self.options.runtime == "simulated"
        pathlib.Path(self.work + "/server.yaml").write_text(SERVER_CONFIG)
        self.start("server", "server", "--config", self.work + "/server.yaml", "--data-dir", data, "--listen", "0.0.0.0:6443")
        kubeconfig = pathlib.Path(data + "/kubeconfig")
        self.wait("the kubeconfig", lambda: kubeconfig.exists() and "token" in kubeconfig.read_text())
        self.api = Api(str(kubeconfig))
        self.wait("the server", self.answers)
        join = pathlib.Path(self.work + "/join")
        join.mkdir()
        shutil.copy(data + "/pki/ca.crt", join / "ca.crt")
        token = subprocess.run([self.binary, "token", "create", "--kubeconfig", str(kubeconfig)], check=True, capture_output=True)
        (join / "token").write_bytes(token.stdout)
        if not simulated:
            images = pathlib.Path(self.work + "/images")
            sh("sh", str(here / "image/pack.sh"), str(images))
            for archive in sorted(images.iterdir()):
                sh(self.binary, "image", "import", str(archive), "--data-dir", self.node_dir)
        address = f"https://{node_address()}:6443"
        arguments = ["agent", "--server", address, "--token-file", str(join / "token"), "--name", NODE,
                     "--data-dir", self.node_dir, "--runtime", self.options.runtime]
        if self.options.oci_runtime and not simulated:
            arguments += ["--oci-runtime", self.options.oci_runtime]
        self.start("agent", *arguments)
        self.wait("the node", self.node_is_ready)

    def answers(self):
        try:
            return self.api.get("namespace", None, "default") is not None
        except (OSError, Refused):
            return False

    def node_is_ready(self):
        node = self.api.get("node", None, NODE)
        return node is not None and any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])

    def runtime_version(self):
        return self.api.get("node", None, NODE)["status"]["nodeInfo"]["containerRuntimeVersion"]

    def leftovers(self):
        """What a node still has after all pods are gone; nothing is right."""
        mark = mark_of(self.work)
        pods = pathlib.Path(self.node_dir + "/pods")
        out = [f"directory {path}" for path in (pods.iterdir() if pods.exists() else [])]
        out += [f"cgroup {path}" for path in cgroups_of(mark) if not path.endswith(mark)]
        out += [f"mount {line.split()[4]}" for line in open("/proc/self/mountinfo") if f"{self.node_dir}/pods/" in line]
        links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
        out += [f"interface {name}" for name in re.findall(r"^\d+: (veth[^:@]+)", links, re.M)]
        return out

    def end(self):
        """What went wrong with the ends of the daemons; a sanitizer's findings are among it."""
        wrong = []
        for _, child in reversed(self.children):
            child.terminate()
        for name, child in self.children:
            try:
                if child.wait(20) != 0:
                    wrong.append(f"the {name} ended with {child.returncode}:\n{self.tail(name, 60)}")
            except subprocess.TimeoutExpired:
                child.kill()
                wrong.append(f"the {name} did not end")
        return wrong


# ---- one case -------------------------------------------------------------------------------------------------------

class Failed(Exception):
    pass


class Trial:
    def __init__(self, cluster, world, case):
        self.api, self.case = cluster.api, case
        self.judge = Judge(cluster.api, world, case, {
            "node": NODE, "address": node_address(), "hostname": os.uname().nodename,
            "ipc": os.readlink("/proc/self/ns/ipc"), "net": os.readlink("/proc/self/ns/net")})

    def apply(self, document):
        self.api.apply(document.kind, document.namespace, document.name, document.text)

    def act(self, step):
        verb, arguments = step.action[0], step.action[1:]
        if verb == "apply":
            documents = [one for one in self.case.documents if one.later == arguments[0]]
            if not documents:
                raise Failed(f"no document is marked `# later: {arguments[0]}`")
            for document in documents:
                self.apply(document)
        elif verb == "refuse":  # do refuse LABEL REGULAR-EXPRESSION
            for document in [one for one in self.case.documents if one.later == arguments[0]]:
                try:
                    self.apply(document)
                except Refused as refusal:
                    if not re.search(" ".join(arguments[1:]), str(refusal)):
                        raise Failed(f"refused with: {refusal}") from None
                    continue
                raise Failed("it was accepted")
        elif verb == "delete":
            kind, namespace, name, _ = self.judge.object(arguments[0])
            grace = next((int(word.split("=")[1]) for word in arguments[1:]), None)
            self.api.delete(kind, namespace, name, grace)
        elif verb == "merge":
            kind, namespace, name, _ = self.judge.object(arguments[0])
            self.api.merge(kind, namespace, name, step.value)
        elif verb == "status":
            kind, namespace, name, _ = self.judge.object(arguments[0])
            self.api.status(kind, namespace, name, step.value)
        elif verb == "wait":
            time.sleep(float(arguments[0].removesuffix("s")))
        else:
            raise Failed(f"no such action: {verb}")

    def run(self):
        for namespace in self.case.namespaces():
            self.api.apply("namespace", None, namespace,
                           f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n")
        for document in self.case.documents:
            if not document.later:
                self.apply(document)
        for step in self.case.steps:
            if step.action is not None:
                self.act(step)
                continue
            seen = self.judge.wait(step)
            if seen is not None:
                if len(seen) > 3000:
                    seen = f"{seen[:1500]} [...] {seen[-1500:]}"
                raise Failed(f"{step.line}\n  expected {step.operator} {self.judge.fill_in(step.value)}\n  seen: {seen}")

    def clean(self):
        for namespace in self.case.namespaces():
            for pod in self.api.items("pod", namespace):
                try:
                    self.api.delete("pod", namespace, pod["metadata"]["name"], 1)
                except Refused:
                    pass  # it is gone
            self.api.delete("namespace", None, namespace)


def try_case(cluster, world, case):
    """(result, seconds, what went wrong)."""
    start = time.monotonic()
    trial = Trial(cluster, world, case)
    try:
        trial.run()
        result = "ok", time.monotonic() - start, ""
    except (Failed, Refused, OSError, TimeoutError) as problem:
        result = "FAIL", time.monotonic() - start, str(problem)
    try:
        trial.clean()
    except (Refused, OSError) as problem:
        result = "FAIL", result[1], result[2] + f"\nnot cleaned up: {problem}"
    return result


def fits(case, options):
    return options.runtime in case.runtimes and (case.core or not options.core)


def why_not(case):
    """Why this machine cannot try this case; "" if it can."""
    for need in case.needs:
        if need == "cgroup-v2" and not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            return "needs cgroup v2"
        if need.startswith("/") and not os.path.exists(need):
            return f"needs {need}"
    return ""


def read_cases(options):
    cases, names = [], set()
    for path in sorted(here.glob("*/*.yaml")):
        if options.cases and not any(re.search(pattern, f"{path.parent.name}/{path.stem}") for pattern in options.cases):
            continue
        try:
            case = Case(path)
        except Mistake as mistake:
            raise SystemExit(f"{path}: {mistake}") from None
        if case.name in names:
            raise SystemExit(f"{path}: another case has this name")
        names.add(case.name)
        cases.append(case)
    return cases


def as_init(options):
    """Process 1 of its namespace: it inherits what others leave behind, and reaps it as a machine's init does."""
    child = os.fork()
    if child == 0:
        sys.exit(inside(options))
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def inside(options):
    work = options.inside
    binary = str(pathlib.Path(options.binary).resolve())
    cases = read_cases(options)
    make_machine(work, options)
    cluster = Cluster(binary, work, options)
    counts, say = {"ok": 0, "FAIL": 0, "skip": 0}, threading.Lock()

    others = sum(not fits(case, options) for case in cases)
    cases = [case for case in cases if fits(case, options)]
    counts["skip"] = others

    def report(result, name, seconds, text):
        with say:
            counts[result] += 1
            print(f"{result:4} {name}" + (f" ({seconds:.1f} s)" if result != "skip" else "") + (f": {text}" if text else ""),
                  flush=True)

    def one(case):
        reason = why_not(case)
        if reason:
            return report("skip", case.name, 0, reason)
        result, seconds, problem = try_case(cluster, world, case)
        report(result, case.name, seconds, (case.title + "\n  " + problem) if problem else "")

    start = time.monotonic()
    try:
        cluster.begin()
        world = World(cluster.api)
        print(f"== {len(cases)} cases on {cluster.runtime_version()}, {others} are not for it", flush=True)
        # Those with a long wait first, so that the end does not wait for them alone.
        cases.sort(key=lambda case: -sum(step.hold for step in case.steps))
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(one, cases))
        cluster.check()
        end = time.monotonic() + 60
        while (left := cluster.leftovers()) and time.monotonic() < end:
            time.sleep(0.2)
        report("FAIL" if left else "ok", "nothing-is-left", time.monotonic() - start, "\n  ".join(left[:20]))
    finally:
        wrong = cluster.end()
        if counts["FAIL"] and options.verbose:
            print(cluster.tail("agent", 60))
    for problem in wrong:
        report("FAIL", "daemons-end", 0, problem)
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped in {time.monotonic() - start:.0f} s")
    return 1 if counts["FAIL"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="regular expressions of FOLDER/NAME; all if none is given")
    parser.add_argument("--binary", default=os.environ.get("MAINSTAY_BINARY", "build/mainstay"))
    parser.add_argument("--runtime", choices=("oci", "simulated"), default="oci")
    parser.add_argument("--oci-runtime", default="", help="path of runc or crun; the agent's choice if not given")
    parser.add_argument("--core", action="store_true", help="only the cases marked as the core")
    parser.add_argument("--jobs", type=int, default=min(32, 8 * os.cpu_count()), help="cases at the same time")
    parser.add_argument("--keep", action="store_true", help="keep the working directory if something failed")
    parser.add_argument("--verbose", action="store_true", help="the end of the agent's log if something failed")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return as_init(options)
    if os.geteuid() != 0:
        print("SKIPPED: real containers and namespaces need root")
        return 0
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not os.access(options.binary, os.X_OK):
        raise SystemExit(f"{options.binary} cannot be run: build it, or name another with --binary or MAINSTAY_BINARY")
    missing = [name for name in ("unshare", "ip", "cc", "conmon", "nft") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"not installed: {', '.join(missing)}; run scripts/packages test")
    return outside(options)


if __name__ == "__main__":
    sys.exit(main())
