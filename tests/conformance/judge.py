"""Looks at the cluster for a step, and says whether it is as the step says."""
import http.client
import json
import os
import re
import socket
import stat
import time
import urllib.error
import urllib.request


def follow(value, path):
    """`.a.b[0].c`, `[type=Ready]`, `["key.with.dots"]`; None where there is nothing."""
    for plain, quoted, index in re.findall(r'\.([A-Za-z0-9_-]+)|\["([^"]+)"\]|\[([^\]"]+)\]', path):
        if value is None:
            return None
        if plain or quoted:
            value = value.get(plain or quoted) if isinstance(value, dict) else None
        elif not isinstance(value, list):
            return None
        elif "=" in index:
            key, wanted = index.split("=", 1)
            value = next((item for item in value if str(item.get(key)) == wanted), None)
        else:
            value = value[int(index)] if int(index) < len(value) else None
    return value


def container_status(pod, name):
    status = pod.get("status", {})
    for one in status.get("containerStatuses", []) + status.get("initContainerStatuses", []):
        if not name or one["name"] == name:
            return one
    return {}


def container_state(entry):
    """("running" | "waiting" | "terminated", its details)."""
    return next(iter(entry.items())) if entry else (None, {})


def of_container(pod, what, name):
    """restarts, started, ready, state, reason, message, exit, signal, and with `last` before it those of the attempt before."""
    status = container_status(pod, name)
    if what in ("restarts", "started", "ready", "image"):
        return status.get({"restarts": "restartCount"}.get(what, what))
    entry = status.get("lastState" if what.startswith("last") else "state")
    state, details = container_state(entry)
    what = what.removeprefix("last")
    if what == "state":
        return state
    return details.get({"exit": "exitCode"}.get(what, what))


OF_CONTAINER = {"restarts", "started", "state", "reason", "message", "exit", "signal",
                "laststate", "lastreason", "lastmessage", "lastexit"}


def as_text(value):
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


class Judge:
    def __init__(self, api, world, case, node):
        self.api, self.world, self.case, self.node = api, world, case, node

    def object(self, name):
        kind, _, rest = name.partition("/")
        namespace, _, short = rest.rpartition("/")
        namespace = namespace or self.case.name
        return kind, namespace, short, self.world.pod(namespace, short) if kind == "pod" else self.api.get(
            kind, namespace, short)

    def look(self, name, what):
        """What is there to see; None for nothing."""
        if name.startswith("http://"):
            return self._fetch(name, what)
        if name.startswith("host:"):
            return self._host_file(name[5:], what)
        kind, namespace, short, found = self.object(name)
        if not what:
            return found
        word, _, rest = what[0].partition(":")
        if word == "event":
            events = [e for e in self.world.events_of(namespace, kind, short) if e.get("reason") == what[1]]
            return "\n".join(e.get("type", "") + " " + e.get("message", "") for e in events) if events else None
        if kind == "service" and word in ("ready", "serving", "terminating", "endpoints"):
            return self._endpoints(namespace, short, word)
        if kind == "service" and word == "slice":
            slices = self._slices(namespace, short)
            return follow(slices[0], what[1]) if slices else None
        if found is None:
            return None
        if word == "log":
            container, _, previous = rest.partition(":")
            text = self.api.log(namespace, short, container, previous == "previous")
            return None if text is None else text.rstrip("\n")
        if word in OF_CONTAINER or (word == "ready" and rest):
            return of_container(found, word, rest)
        if word == "phase":
            return follow(found, ".status.phase")
        if word in ("condition", "why"):
            return follow(found, f".status.conditions[type={rest}]." + ("status" if word == "condition" else "reason"))
        if word == "ready":
            return follow(found, ".status.conditions[type=Ready].status")
        return follow(found, what[0])

    def _slices(self, namespace, service):
        return self.api.items("endpointslice", namespace, {"labelSelector": "kubernetes.io/service-name=" + service})

    def _endpoints(self, namespace, service, word):
        endpoints = [one for item in self._slices(namespace, service) for one in item.get("endpoints") or []]
        if word == "endpoints":
            return len(endpoints)
        return sum(1 for one in endpoints if one.get("conditions", {}).get(word))

    def _fetch(self, url, what):
        """From the node itself: the body, or with `error` why there is none."""
        try:
            with urllib.request.urlopen(url, timeout=3) as answer:
                body = answer.read().decode(errors="replace").rstrip("\n")
            return None if what == ["error"] else body
        except urllib.error.HTTPError as error:
            return f"status {error.code}" if what == ["error"] else None
        except urllib.error.URLError as error:
            refused = isinstance(error.reason, ConnectionRefusedError)
            return ("refused" if refused else str(error.reason)) if what == ["error"] else None
        except (OSError, http.client.HTTPException) as error:
            return str(error) if what == ["error"] else None

    def _host_file(self, path, what):
        try:
            info = os.lstat(path)
            if what == ["mode"]:
                return f"{stat.S_IMODE(info.st_mode):04o}"
            if what == ["text"]:
                return open(path).read().rstrip("\n")
            return stat.filemode(info.st_mode)[0]
        except FileNotFoundError:
            return None

    def fill_in(self, text):
        """`{node}`, `{address}` of the node, and `{OBJECT WHAT}`: what is seen there."""
        def one(match):
            inside = match.group(1)
            if inside in self.node:
                return self.node[inside]
            words = inside.split()
            if len(words) < 2 or "/" not in words[0]:
                return match.group(0)
            value = self.look(words[0], words[1:])
            return match.group(0) if value is None else as_text(value)

        return re.sub(r"\{([^{}]+)\}", one, text)

    def holds(self, step):
        """(whether it does, what was seen)."""
        seen = self.look(self.fill_in(step.object), step.what)
        operator, text = step.operator, as_text(seen)
        if operator in ("absent", "gone"):
            return seen is None, text
        if operator == "exists":
            return seen is not None, text
        if seen is None:
            # Of what is not there nothing is said, except that it lacks something.
            return operator in ("lacks", "!~", "!=") and step.what[:1] == ["event"], "nothing"
        wanted = self.fill_in(step.value)
        if operator in (">=", "<="):
            try:
                number, limit = float(text), float(wanted)
            except ValueError:
                return False, text
            return (number >= limit if operator == ">=" else number <= limit), text
        if operator in ("~", "!~"):
            return (re.search(wanted, text, re.M) is not None) == (operator == "~"), text
        if operator in ("has", "lacks"):
            return (wanted in text) == (operator == "has"), text
        return (text == wanted) == (operator == "="), text

    def wait(self, step):
        """None when the step came true (and stayed so for as long as it says), else what was seen instead."""
        start, since, seen = time.monotonic(), None, "nothing"
        newer_than = start
        while True:
            self.world.wait(newer_than)
            newer_than = time.monotonic()
            true, seen = self.holds(step)
            now = time.monotonic()
            if true:
                since = since or now
                if now - since >= step.hold:
                    return None
            elif since is not None:
                return "after a while: " + seen
            if not true and now - start > step.within:
                return seen
            time.sleep(0.05)


def node_address():
    """Of the interface that the default route leaves by."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]
