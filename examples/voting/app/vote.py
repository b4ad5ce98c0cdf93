"""The front end: GET / shows the choice, POST / with vote=a or vote=b puts a vote into redis' list `votes`."""
import json
import os
import socket
import urllib.parse
import uuid

from stores import Redis
from web import serve

OPTIONS = {"a": os.environ.get("OPTION_A", "Cats"), "b": os.environ.get("OPTION_B", "Dogs")}
VERSION = os.environ.get("VERSION", "v1")
PAGE = """<!doctype html><title>{a} or {b}?</title><h1>{a} or {b}?</h1>
<form method=post><button name=vote value=a>{a}</button> <button name=vote value=b>{b}</button></form>
<p>{said} Served by {host}, {version}.</p>
"""


def page(said):
    return PAGE.format(a=OPTIONS["a"], b=OPTIONS["b"], said=said, host=socket.gethostname(), version=VERSION)


def answer(method, path, body):
    if path == "/healthz":
        return 200, "text/plain", "ok\n"
    if method == "GET":
        return 200, "text/html", page("")
    form = urllib.parse.parse_qs(body)
    choice = form.get("vote", [""])[0]
    if choice not in OPTIONS:
        return 400, "text/plain", "vote=a or vote=b\n"
    voter = form.get("voter", [uuid.uuid4().hex])[0][:64]
    redis = Redis(os.environ.get("REDIS_HOST", "redis"))
    try:
        redis.call("RPUSH", "votes", json.dumps({"voter_id": voter, "vote": choice}))
    finally:
        redis.close()
    return 200, "text/html", page(f"Your vote: {OPTIONS[choice]}.")


serve(8080, answer)
