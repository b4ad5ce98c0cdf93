#!/bin/sh
# Packs the example images from Debian's own busybox (package busybox-static): no registry, no builder, no network.
# usage: pack.sh DIRECTORY
# Writes DIRECTORY/web-v1.tar and DIRECTORY/web-v2.tar: OCI archives of localhost/mainstay/web:v1 and :v2, a web
# server on port 8080 that serves its version at / and "ok" at /healthz. They share their base layer. The same
# busybox gives the same bytes.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
busybox=${BUSYBOX:-/bin/busybox}
[ -x "$busybox" ] || { echo "$0: $busybox is missing: apt-get install busybox-static" >&2; exit 1; }
# A dynamically linked one would not run in an image that holds nothing else.
if ldd "$busybox" >/dev/null 2>&1; then echo "$0: $busybox is not static: apt-get install busybox-static" >&2; exit 1; fi

case $(uname -m) in
  x86_64) arch=amd64 ;;
  aarch64) arch=arm64 ;;
  *) arch=$(uname -m) ;;
esac

mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# digest FILE: its sha256. size FILE: its bytes.
digest() { sha256sum "$1" | cut -d' ' -f1; }
size() { stat -c %s "$1"; }

# layer ROOT NAME: packs a directory; leaves NAME.tar and NAME.tar.gz in $work.
layer() {
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -C "$1" -cf "$work/$2.tar" .
  gzip -n -9 -c "$work/$2.tar" >"$work/$2.tar.gz"
}

# blob LAYOUT FILE: puts a file into the layout under its digest.
blob() { cp "$2" "$1/blobs/sha256/$(digest "$2")"; }

base=$work/base
mkdir -p "$base/bin" "$base/etc" "$base/tmp" "$base/var"
chmod 1777 "$base/tmp"
cp "$busybox" "$base/bin/busybox"
chmod 0755 "$base/bin/busybox"
for applet in cat date echo env false grep head hostname httpd id kill ls mkdir nc printenv ps rm sh sleep tail \
  test touch true wget; do
  ln -s busybox "$base/bin/$applet"
done
printf 'root:x:0:0:root:/:/bin/sh\nweb:x:1000:1000:web:/www:/bin/sh\n' >"$base/etc/passwd"
printf 'root:x:0:\nweb:x:1000:\n' >"$base/etc/group"
layer "$base" base

# pack VERSION: one image, base and the pages of that version.
pack() {
  app=$work/app-$1
  layout=$work/layout-$1
  mkdir -p "$app/www" "$app/bin" "$layout/blobs/sha256"
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

  cat >"$work/config-$1.json" <<CONFIG
{"architecture":"$arch","os":"linux","config":{"User":"web","Env":["PATH=/bin","VERSION=$1"],
"Entrypoint":["/bin/serve"],"WorkingDir":"/www","ExposedPorts":{"8080/tcp":{}}},
"rootfs":{"type":"layers","diff_ids":["sha256:$(digest "$work/base.tar")","sha256:$(digest "$work/app-$1.tar")"]}}
CONFIG
  layer_type=application/vnd.oci.image.layer.v1.tar+gzip
  cat >"$work/manifest-$1.json" <<MANIFEST
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
"config":{"mediaType":"application/vnd.oci.image.config.v1+json",
"digest":"sha256:$(digest "$work/config-$1.json")","size":$(size "$work/config-$1.json")},
"layers":[{"mediaType":"$layer_type","digest":"sha256:$(digest "$work/base.tar.gz")","size":$(size "$work/base.tar.gz")},
{"mediaType":"$layer_type","digest":"sha256:$(digest "$work/app-$1.tar.gz")","size":$(size "$work/app-$1.tar.gz")}]}
MANIFEST
  for file in config-$1.json manifest-$1.json base.tar.gz "app-$1.tar.gz"; do blob "$layout" "$work/$file"; done
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  cat >"$layout/index.json" <<INDEX
{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",
"digest":"sha256:$(digest "$work/manifest-$1.json")","size":$(size "$work/manifest-$1.json"),
"annotations":{"org.opencontainers.image.ref.name":"localhost/mainstay/web:$1"}}]}
INDEX
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$layout" -cf "$work/web-$1.tar" .
  mv "$work/web-$1.tar" "$out/web-$1.tar"
  echo "$out/web-$1.tar  localhost/mainstay/web:$1"
}

pack v1
pack v2
