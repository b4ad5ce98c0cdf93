"""The cluster's API as the conformance suite needs it: a connection for each thread, objects as plain dictionaries, and a
World that lists all pods and events again and again so that many cases may look at them without asking each for itself."""
import base64
import http.client
import json
import re
import ssl
import threading
import time
import urllib.parse

RESOURCES = {
    "pod": ("api/v1", "pods"),
    "service": ("api/v1", "services"),
    "configmap": ("api/v1", "configmaps"),
    "secret": ("api/v1", "secrets"),
    "serviceaccount": ("api/v1", "serviceaccounts"),
    "event": ("api/v1", "events"),
    "namespace": ("api/v1", "namespaces"),
    "node": ("api/v1", "nodes"),
    "endpointslice": ("apis/discovery.k8s.io/v1", "endpointslices"),
    "networkpolicy": ("apis/networking.k8s.io/v1", "networkpolicies"),
    "deployment": ("apis/apps/v1", "deployments"),
}


class Refused(Exception):
    """The API said no: its status code and message."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Api:
    def __init__(self, kubeconfig):
        text = open(kubeconfig).read()

        def field(name):
            return re.search(r"^\s*(?:- )?" + name + r':\s*"?([^"\s]+)', text, re.M).group(1)

        address = urllib.parse.urlparse(field("server"))
        self.host, self.port, self.token = address.hostname, address.port, field("token")
        self.tls = ssl.create_default_context(cadata=base64.b64decode(field("certificate-authority-data")).decode())
        self.local = threading.local()

    def call(self, method, path, body=None, content_type="application/json"):
        """The answer's bytes. A connection that was closed in the meantime is opened again once."""
        headers = {"Authorization": "Bearer " + self.token}
        if body is not None:
            headers["Content-Type"] = content_type
        for attempt in (0, 1):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = http.client.HTTPSConnection(self.host, self.port, timeout=30, context=self.tls)
                self.local.connection = connection
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                data = answer.read()
                break
            except (OSError, http.client.HTTPException):
                connection.close()
                self.local.connection = None
                if attempt == 1:
                    raise
        if answer.status >= 400:
            try:
                message = json.loads(data).get("message", "")
            except ValueError:
                message = data.decode(errors="replace")
            raise Refused(answer.status, message)
        return data

    def path(self, kind, namespace=None, name=None, query=None):
        group, plural = RESOURCES[kind]
        parts = [group]
        if namespace and kind not in ("namespace", "node"):
            parts += ["namespaces", namespace]
        parts.append(plural)
        if name:
            parts.append(name)
        return "/" + "/".join(parts) + ("?" + urllib.parse.urlencode(query) if query else "")

    def get(self, kind, namespace, name):
        """The object, or None."""
        try:
            return json.loads(self.call("GET", self.path(kind, namespace, name)))
        except Refused as refusal:
            if refusal.code == 404:
                return None
            raise

    def items(self, kind, namespace=None, query=None):
        return json.loads(self.call("GET", self.path(kind, namespace, None, query)))["items"]

    def apply(self, kind, namespace, name, text):
        query = {"fieldManager": "conformance", "force": "true"}
        self.call("PATCH", self.path(kind, namespace, name, query), text.encode(), "application/apply-patch+yaml")

    def merge(self, kind, namespace, name, text):
        self.call("PATCH", self.path(kind, namespace, name), text.encode(), "application/merge-patch+json")

    def status(self, kind, namespace, name, text):
        self.call("PATCH", self.path(kind, namespace, name) + "/status", text.encode(), "application/strategic-merge-patch+json")

    def delete(self, kind, namespace, name, grace=None):
        options = {} if grace is None else {"gracePeriodSeconds": grace}
        self.call("DELETE", self.path(kind, namespace, name), json.dumps(options).encode())

    def log(self, namespace, pod, container, previous):
        """What a container has printed so far; None if there is no log yet."""
        query = {"container": container} if container else {}
        if previous:
            query["previous"] = "true"
        path = self.path("pod", namespace, pod) + "/log?" + urllib.parse.urlencode(query)
        try:
            return self.call("GET", path).decode(errors="replace")
        except Refused as refusal:
            if refusal.code in (400, 404):
                return None
            raise


class World:
    """All pods and events of the cluster, by namespace, never older than the caller asks for."""

    def __init__(self, api):
        self.api = api
        self.changed = threading.Condition()
        self.asked = 0.0  # when the newest listing began
        self.pods, self.events = {}, {}
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            began = time.monotonic()
            try:
                pods, events = self._by_namespace("pod"), self._by_namespace("event")
            except (OSError, http.client.HTTPException, Refused, ValueError):
                time.sleep(0.2)
                continue
            with self.changed:
                self.asked, self.pods, self.events = began, pods, events
                self.changed.notify_all()
            time.sleep(0.15)

    def _by_namespace(self, kind):
        out = {}
        for item in self.api.items(kind):
            out.setdefault(item["metadata"]["namespace"], []).append(item)
        return out

    def wait(self, newer_than):
        """Until a listing that began after that moment is there."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.asked > newer_than, timeout=30):
                raise TimeoutError("the server does not answer")

    def pod(self, namespace, name):
        with self.changed:
            pods = self.pods.get(namespace, [])
        return next((pod for pod in pods if pod["metadata"]["name"] == name), None)

    def events_of(self, namespace, kind, name):
        with self.changed:
            events = self.events.get(namespace, [])
        about = [(event, event.get("involvedObject", {})) for event in events]
        return [event for event, what in about if what.get("kind", "").lower() == kind and what.get("name") == name]
