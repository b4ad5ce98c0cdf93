"""The result: GET / as a page, GET /json as {"a": 1, "b": 2}, from PostgreSQL."""
import json
import os

from stores import Postgres
from web import serve

COUNT = "SELECT vote, count(*) FROM votes GROUP BY vote"


def count():
    with open("/run/secrets/db/password", encoding="utf-8") as secret:
        database = Postgres(os.environ.get("DB_HOST", "db"), secret.read())
    try:
        counts = {vote: int(number) for vote, number in database.query(COUNT)}
    finally:
        database.close()
    return {"a": counts.get("a", 0), "b": counts.get("b", 0)}


def answer(_method, path, _body):
    if path == "/healthz":
        return 200, "text/plain", "ok\n"
    counts = count()
    if path == "/json":
        return 200, "application/json", json.dumps(counts) + "\n"
    return 200, "text/html", f"<!doctype html><title>Result</title><p>a: {counts['a']}, b: {counts['b']}</p>\n"


serve(8080, answer)
