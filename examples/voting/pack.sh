#!/bin/sh
# Packs the voting example's images from what Debian's packages put on this machine (python3, redis-server,
# postgresql, busybox-static): no registry, no builder, no network.
# usage: pack.sh DIRECTORY
# Writes voting-app.tar (front end, worker and result), voting-redis.tar and voting-db.tar, OCI archives of
# localhost/mainstay/voting-app:v1, voting-redis:v1 and voting-db:v1.
set -eu
. "$(dirname "$0")/../images/oci.sh"

# root NAME: an empty file system with the places every program expects.
root() {
  root=$work/root-$1
  mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/etc" "$root/tmp" "$root/var" "$root/run"
  for place in bin sbin lib lib32 lib64; do ln -s "usr/$place" "$root/$place"; done
  mkdir -p "$root/usr/lib64"
  chmod 1777 "$root/tmp"
  printf 'root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/app:/bin/sh\npostgres:x:999:999:postgres:/var/lib/postgresql:/bin/sh\n' \
    >"$root/etc/passwd"
  printf 'root:x:0:\napp:x:1000:\npostgres:x:999:\n' >"$root/etc/group"
  # What the C library needs to ask a name server.
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  echo "$root"
}

path='"PATH=/usr/bin:/usr/lib/postgresql/bin","PYTHONDONTWRITEBYTECODE=1"'

# ---- front end, worker, result: Python without what only developers use
python=$(realpath /usr/bin/python3)
version=$(basename "$python")
app=$(root app)
put_busybox "$app" sh sleep cat ls wget nslookup id hostname
put_program "$app" "$python"
ln -s "$version" "$app/usr/bin/python3"
mkdir -p "$app/usr/lib/$version"
tar -C "/usr/lib/$version" --exclude=test --exclude=tests --exclude=idlelib --exclude=tkinter --exclude=lib2to3 \
  --exclude=ensurepip --exclude=pydoc_data --exclude='config-*' --exclude=__pycache__ --exclude=dist-packages \
  --exclude=sitecustomize.py -cf - . | tar -C "$app/usr/lib/$version" -xf -
for module in "$app/usr/lib/$version/lib-dynload/"*.so; do
  put_program "$app" "/usr/lib/$version/lib-dynload/$(basename "$module")"
done
layer "$app" python 1
programs=$work/programs
mkdir -p "$programs/app"
cp "$here"/app/*.py "$programs/app/"
layer "$programs" programs
image "$out/voting-app.tar" localhost/mainstay/voting-app:v1 \
  "{\"User\":\"1000:1000\",\"Env\":[$path],\"WorkingDir\":\"/app\"}" python programs

# ---- redis
redis=$(root redis)
put_busybox "$redis" sh sleep cat ls
put_program "$redis" "$(realpath /usr/bin/redis-server)"
mv "$redis/usr/bin/$(basename "$(realpath /usr/bin/redis-server)")" "$redis/usr/bin/redis-server"
mkdir -p "$redis/data"
layer "$redis" redis 1
image "$out/voting-redis.tar" localhost/mainstay/voting-redis:v1 \
  "{\"Env\":[$path],\"WorkingDir\":\"/data\",\"Entrypoint\":[\"redis-server\",\"--bind\",\"0.0.0.0\",\"--protected-mode\",
\"no\",\"--dir\",\"/data\",\"--appendonly\",\"yes\"]}" redis

# ---- PostgreSQL
release=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -n | tail -n 1)
[ -n "$release" ] || { echo "$0: PostgreSQL is missing: run scripts/packages test" >&2; exit 1; }
db=$(root db)
put_busybox "$db" sh sleep cat ls mkdir chmod test true tr
for program in postgres initdb pg_isready psql; do put_program "$db" "/usr/lib/postgresql/$release/bin/$program"; done
# What initdb loads: the conversions between encodings, text search, PL/pgSQL. Not the compiler for queries.
mkdir -p "$db/usr/lib/postgresql/$release/lib" "$db/usr/share/postgresql"
for library in "/usr/lib/postgresql/$release/lib/"*.so; do
  case $library in *llvmjit*) continue ;; esac
  case $(basename "$library") in
    dict_snowball.so|plpgsql.so|*_and_*.so|utf8_*.so|euc*.so|cyrillic*.so|latin*.so) put_program "$db" "$library" ;;
  esac
done
cp -rL "/usr/share/postgresql/$release" "$db/usr/share/postgresql/$release"
ln -s "$release/bin" "$db/usr/lib/postgresql/bin"
cat >"$db/usr/bin/serve-db" <<'SERVE'
#!/bin/sh
# A data directory is made once; then the server takes this process's place.
set -eu
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
  initdb -D "$data" -U postgres --auth-local=scram-sha-256 --auth-host=scram-sha-256 --locale=C --encoding=UTF8 \
    --pwfile=/run/secrets/db/password >/tmp/initdb.log 2>&1 || { cat /tmp/initdb.log; exit 1; }
  printf 'host all all all scram-sha-256\n' >>"$data/pg_hba.conf"
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=on
SERVE
chmod 0755 "$db/usr/bin/serve-db"
mkdir -p "$db/var/lib/postgresql"
layer "$db" db 1
image "$out/voting-db.tar" localhost/mainstay/voting-db:v1 \
  "{\"User\":\"999:999\",\"Env\":[$path],\"Entrypoint\":[\"serve-db\"],\"StopSignal\":\"SIGINT\"}" db
