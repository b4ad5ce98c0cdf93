"""Takes votes from redis, one after another, and keeps the last one of each voter in PostgreSQL. A vote leaves
redis only when the database has it: it waits in a list of its own meanwhile, also over a restart."""
import json
import os
import signal
import sys
import time

from stores import Postgres, Redis

TABLE = "CREATE TABLE IF NOT EXISTS votes (id varchar(255) NOT NULL UNIQUE, vote varchar(255) NOT NULL)"
KEEP = "INSERT INTO votes (id, vote) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET vote = excluded.vote"


def keep(database, raw):
    vote = json.loads(raw)
    database.query(KEEP, vote["voter_id"], vote["vote"])


def work():
    with open("/run/secrets/db/password", encoding="utf-8") as secret:
        database = Postgres(os.environ.get("DB_HOST", "db"), secret.read())
    database.query(TABLE)
    redis = Redis(os.environ.get("REDIS_HOST", "redis"))
    print("connected to redis and db", flush=True)
    for raw in redis.call("LRANGE", "taken", 0, -1):
        keep(database, raw)
    redis.call("DEL", "taken")
    while True:
        raw = redis.call("BLMOVE", "votes", "taken", "LEFT", "RIGHT", 1, timeout=5)
        if raw is None:
            continue
        keep(database, raw)
        redis.call("LREM", "taken", 1, raw)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    try:
        work()
    except (OSError, RuntimeError) as problem:
        print(f"waits for redis and db: {problem}", flush=True)
        time.sleep(0.5)
