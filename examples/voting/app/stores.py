"""Just enough of the Redis and PostgreSQL protocols for the voting example: no package but Python's own."""
import base64
import hashlib
import hmac
import os
import socket
import struct


class Redis:
    """One connection, RESP2. Errors of the server are RuntimeError, those of the connection OSError."""

    def __init__(self, host, port=6379, timeout=5):
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._file = self._socket.makefile("rb")

    def call(self, *words, timeout=5):
        self._socket.settimeout(timeout)
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            raw = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(raw), raw))
        self._socket.sendall(b"".join(parts))
        return self._reply()

    def close(self):
        self._socket.close()

    def _reply(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        raise OSError("redis says something else")


class Postgres:
    """One connection, protocol 3.0, SCRAM-SHA-256. Rows are lists of text; None is NULL."""

    def __init__(self, host, password, user="postgres", database="postgres", port=5432, timeout=5):
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._file = self._socket.makefile("rb")
        words = b"".join(w.encode() + b"\0" for w in ("user", user, "database", database)) + b"\0"
        self._socket.sendall(struct.pack("!ii", len(words) + 8, 196608) + words)
        self._log_in(password)
        self._until_ready()

    def query(self, text, *values):
        """One statement with $1, $2 ...; its rows."""
        parse = b"\0" + text.encode() + b"\0\0\0"
        bind = b"\0\0" + struct.pack("!hh", 0, len(values))
        for value in values:
            raw = str(value).encode()
            bind += struct.pack("!i", len(raw)) + raw
        bind += struct.pack("!h", 0)
        for kind, body in ((b"P", parse), (b"B", bind), (b"D", b"P\0"), (b"E", b"\0\0\0\0\0"), (b"S", b"")):
            self._send(kind, body)
        return self._until_ready()

    def close(self):
        self._socket.close()

    def _send(self, kind, body):
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _message(self):
        head = self._file.read(5)
        if len(head) < 5:
            raise OSError("postgresql closed the connection")
        body = self._file.read(struct.unpack("!i", head[1:])[0] - 4)
        if head[:1] == b"E":
            fields = dict((f[:1], f[1:].decode()) for f in body.split(b"\0") if f)
            raise RuntimeError(fields.get(b"M", "unknown error"))
        return head[:1], body

    def _until_ready(self):
        rows = []
        while True:
            kind, body = self._message()
            if kind == b"Z":
                return rows
            if kind == b"D":
                rows.append(self._row(body))

    @staticmethod
    def _row(body):
        row, at = [], 2
        for _ in range(struct.unpack("!h", body[:2])[0]):
            size = struct.unpack("!i", body[at:at + 4])[0]
            at += 4
            row.append(None if size < 0 else body[at:at + size].decode())
            at += max(size, 0)
        return row

    def _log_in(self, password):
        kind, body = self._message()
        if kind != b"R" or struct.unpack("!i", body[:4])[0] != 10:
            raise RuntimeError("the server does not ask for SCRAM")
        nonce = base64.b64encode(os.urandom(18)).decode()
        first = "n=,r=" + nonce
        start = ("n,," + first).encode()
        self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(start)) + start)
        server_first = self._message()[1][4:].decode()
        fields = dict(part.split("=", 1) for part in server_first.split(","))
        if not fields["r"].startswith(nonce):
            raise RuntimeError("the server's nonce is not built on ours")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        final = "c=biws,r=" + fields["r"]
        message = ",".join((first, server_first, final)).encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self._send(b"p", (final + ",p=" + base64.b64encode(proof).decode()).encode())
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        verifier = "v=" + base64.b64encode(hmac.digest(server_key, message, "sha256")).decode()
        if self._message()[1][4:].decode() != verifier:
            raise RuntimeError("the server does not know the password")
        self._message()
