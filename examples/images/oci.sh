# How the example images are packed; sourced by the sh script pack.sh DIRECTORY. Sets $here, the script's directory, $out,
# the one its archives go to, and $work, one that is gone when it ends. The same files give the same bytes.

[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

case $(uname -m) in
  x86_64) arch=amd64 ;;
  aarch64) arch=arm64 ;;
  *) arch=$(uname -m) ;;
esac

# digest FILE: its sha256. size FILE: its bytes.
digest() { sha256sum "$1" | cut -d' ' -f1; }
size() { stat -c %s "$1"; }

# layer ROOT NAME [LEVEL]: packs a directory; leaves NAME.tar and NAME.tar.gz in $work.
layer() {
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -C "$1" -cf "$work/$2.tar" .
  gzip -n "-${3:-9}" -c "$work/$2.tar" >"$work/$2.tar.gz"
}

# image ARCHIVE REFERENCE CONFIG LAYER...: an OCI archive. CONFIG is the "config" of the image's configuration, as
# JSON; the layers are named as above, the lowest first.
image() {
  archive=$1 reference=$2 config=$3
  shift 3
  layout=$work/layout
  rm -rf "$layout"
  mkdir -p "$layout/blobs/sha256"
  diffs='' descriptors=''
  for one in "$@"; do
    diffs="$diffs${diffs:+,}\"sha256:$(digest "$work/$one.tar")\""
    descriptors="$descriptors${descriptors:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\
\"digest\":\"sha256:$(digest "$work/$one.tar.gz")\",\"size\":$(size "$work/$one.tar.gz")}"
    cp "$work/$one.tar.gz" "$layout/blobs/sha256/$(digest "$work/$one.tar.gz")"
  done
  printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$arch" "$config" "$diffs" >"$work/config.json"
  cp "$work/config.json" "$layout/blobs/sha256/$(digest "$work/config.json")"
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"%s",
"digest":"sha256:%s","size":%s},"layers":[%s]}' application/vnd.oci.image.config.v1+json \
    "$(digest "$work/config.json")" "$(size "$work/config.json")" "$descriptors" >"$work/manifest.json"
  cp "$work/manifest.json" "$layout/blobs/sha256/$(digest "$work/manifest.json")"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",
"digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}' \
    "$(digest "$work/manifest.json")" "$(size "$work/manifest.json")" "$reference" >"$layout/index.json"
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$layout" -cf "$work/archive.tar" .
  mv "$work/archive.tar" "$archive"
  echo "$archive  $reference"
}

# put_busybox ROOT APPLET...: Debian's static busybox under each of these names.
put_busybox() {
  root=$1
  shift
  busybox=${BUSYBOX:-/bin/busybox}
  [ -x "$busybox" ] || { echo "$0: $busybox is missing: apt-get install busybox-static" >&2; exit 1; }
  # A dynamically linked one would not run in an image that holds nothing else.
  if ldd "$busybox" >/dev/null 2>&1; then
    echo "$0: $busybox is not static: apt-get install busybox-static" >&2
    exit 1
  fi
  cp "$busybox" "$root/bin/busybox"
  chmod 0755 "$root/bin/busybox"
  for applet in "$@"; do ln -s busybox "$root/bin/$applet"; done
}

# put_program ROOT PATH: a program or library of this machine with every library it is linked with, where they
# are here. ROOT has usr/lib and the links of a merged /usr.
put_program() {
  [ -e "$2" ] || { echo "$0: $2 is missing: run scripts/packages test" >&2; exit 1; }
  for file in "$2" $(ldd "$2" 2>/dev/null | grep -o '/[^ ]*'); do
    real=$(realpath -s "$file")
    case $real in /lib*|/bin/*|/sbin/*) real=/usr$real ;; esac
    [ -e "$1$real" ] && continue
    mkdir -p "$1$(dirname "$real")"
    cp -L "$file" "$1$real"
  done
}
