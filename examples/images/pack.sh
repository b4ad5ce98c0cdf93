#!/bin/sh
# Packs the example images from Debian's own busybox (package busybox-static): no registry, no builder, no network.
# usage: pack.sh DIRECTORY
# Writes DIRECTORY/web-v1.tar and DIRECTORY/web-v2.tar: OCI archives of localhost/mainstay/web:v1 and :v2, a web
# server on port 8080 that serves its version at / and "ok" at /healthz. They share their base layer. The same
# busybox gives the same bytes.
set -eu
. "$(dirname "$0")/oci.sh"

base=$work/base
mkdir -p "$base/bin" "$base/etc" "$base/tmp" "$base/var"
chmod 1777 "$base/tmp"
put_busybox "$base" cat date echo env false grep head hostname httpd id kill ls mkdir nc printenv ps rm sh sleep tail \
  test touch true wget
printf 'root:x:0:0:root:/:/bin/sh\nweb:x:1000:1000:web:/www:/bin/sh\n' >"$base/etc/passwd"
printf 'root:x:0:\nweb:x:1000:\n' >"$base/etc/group"
layer "$base" base

# pack VERSION: one image, base and the pages of that version.
pack() {
  app=$work/app-$1
  mkdir -p "$app/www" "$app/bin"
  printf 'mainstay example web %s\n' "$1" >"$app/www/index.html"
  printf 'ok\n' >"$app/www/healthz"
  # As process 1 a program without a handler never sees SIGTERM; the shell has one.
  cat >"$app/bin/serve" <<'SERVE'
#!/bin/sh
trap 'echo "stopping"; kill "$server" 2>/dev/null; exit 0' TERM INT
port=${PORT:-8080}
echo "web $VERSION serves /www on port $port"
httpd -f -p "$port" -h /www &
server=$!
wait "$server"
SERVE
  chmod 0755 "$app/bin/serve"
  layer "$app" "app-$1"

  image "$out/web-$1.tar" "localhost/mainstay/web:$1" "{\"User\":\"web\",\"Env\":[\"PATH=/bin\",\"VERSION=$1\"],
\"Entrypoint\":[\"/bin/serve\"],\"WorkingDir\":\"/www\",\"ExposedPorts\":{\"8080/tcp\":{}}}" base "app-$1"
}

pack v1
pack v2
