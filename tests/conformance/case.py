"""Reads a case: a file of manifests whose first comment says in one sentence what must hold, then step by step how it is seen.

    # A container that ends with an error is started again under restartPolicy OnFailure.
    #: pod/p restarts:c >= 1
    #: within 30s  pod/p phase = Succeeded
    #: pod/p log:c = 
    #| first line
    #| second line

A step is an observation `OBJECT WHAT OPERATOR VALUE`, or an action `do ...`; see README.md beside this file."""
import re

OPERATORS = ("=", "!=", "has", "lacks", "~", "!~", ">=", "<=", "exists", "absent", "gone")


class Mistake(Exception):
    """The file does not follow the form."""


class Document:
    """One manifest: its text is sent as it is, so that the server's own reading of YAML is tried too."""

    def __init__(self, text, namespace):
        self.text = text
        self.kind = self._find(r"^kind:\s*(\S+)").lower()
        self.name = self._find(r"^metadata:\s*\{name:\s*([^,}\s]+)|^  name:\s*(\S+)")
        self.namespace = self._find(r"^metadata:.*\bnamespace:\s*([^,}\s]+)|^  namespace:\s*(\S+)", namespace)
        self.later = self._find(r"^# later:\s*(\S+)", "")

    def _find(self, pattern, default=None):
        match = re.search(pattern, self.text, re.M)
        if match:
            return next(group for group in match.groups() if group)
        if default is None:
            raise Mistake(f"a document without {pattern}")
        return default


class Step:
    """`action` is a list of words, or None for an observation."""

    def __init__(self, line):
        self.line = line
        self.within, self.hold, self.action = 90.0, 0.0, None
        words = re.findall(r"(?:\{[^}]*\}|\S)+", line)  # `{pod/p .status.podIP}` is part of a word
        while words and words[0] in ("within", "for"):
            seconds = float(words[1].removesuffix("s"))
            if words[0] == "within":
                self.within = seconds
            else:
                self.hold = seconds
            words = words[2:]
        if words and words[0] == "do":
            self.action = words[1:]
            self.value = line.split(None, 3)[3] if len(words) > 3 else ""
            return
        at = next((i for i, word in enumerate(words) if word in OPERATORS), None)
        if at is None or at == 0:
            raise Mistake(f"no operator in: {line}")
        self.object, self.what, self.operator = words[0], words[1:at], words[at]
        self.value = re.split(r"\s" + re.escape(words[at]) + r"(?:\s|$)", line + " ", maxsplit=1)[1].strip()


class Case:
    def __init__(self, path):
        self.name = path.stem
        self.title, self.runtimes, self.needs, self.steps, self.documents = "", ["oci"], [], [], []
        self.core = False
        text = path.read_text()
        for line in text.splitlines():
            self._comment(line)
        for part in re.split(r"^---\s*$", text, flags=re.M):
            if re.search(r"^kind:", part, re.M):
                self.documents.append(Document(part, self.name))
        if not self.title or not self.steps:
            raise Mistake("a case needs a sentence and a step")

    def _comment(self, line):
        if line.startswith("#:"):
            self.steps.append(Step(line[2:].strip()))
        elif line.startswith("#|"):
            if not self.steps:
                raise Mistake("a line of text before any step")
            step, more = self.steps[-1], line[2:].removeprefix(" ")
            step.value = more if not step.value else step.value + "\n" + more
        elif line.startswith("# runtimes:"):
            self.runtimes = line.split(":", 1)[1].split()
        elif line.startswith("# needs:"):
            self.needs = line.split(":", 1)[1].split()
        elif line == "# core":
            self.core = True
        elif line.startswith("# ") and not self.title:
            self.title = line[2:]

    def namespaces(self):
        """Its own first, then those that its documents name."""
        out = [self.name]
        for document in self.documents:
            if document.kind != "namespace" and document.namespace not in out:
                out.append(document.namespace)
        return out
