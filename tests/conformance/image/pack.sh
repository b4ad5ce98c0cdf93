#!/bin/sh
# Packs the image of the conformance suite's containers from Debian's own busybox (package busybox-static) and tool.c.
# usage: pack.sh DIRECTORY
# Writes archives of localhost/mainstay/tools:v1 and, of the same layer:
#   localhost/mainstay/tools:entry   ENTRYPOINT ["/bin/echo", "entry"], CMD ["cmd"], ENV FROM_IMAGE=yes, WORKDIR /srv
#   localhost/mainstay/tools:user    USER tester (1234:1234)
#   localhost/mainstay/tools:named   USER tester by name only
set -eu
. "$(dirname "$0")/../../../examples/images/oci.sh"

base=$work/base
mkdir -p "$base/bin" "$base/etc" "$base/tmp" "$base/var" "$base/root" "$base/srv" "$base/www/cgi-bin" "$base/home/tester"
chmod 1777 "$base/tmp"
put_busybox "$base" $(/bin/busybox --list | grep -v '^busybox$')
cc -O1 -static -o "$base/bin/udp-serve" "$here/tool.c"
for name in udp-ask knock grpc-serve eat; do ln -s udp-serve "$base/bin/$name"; done
printf 'root:x:0:0:root:/root:/bin/sh\ntester:x:1234:1234:tester:/home/tester:/bin/sh\n' >"$base/etc/passwd"
printf 'root:x:0:\ntester:x:1234:\nextra:x:4321:tester\n' >"$base/etc/group"
printf 'yes\n' >"$base/www/index.html"
# Who answers, and whom it answers.
cat >"$base/www/cgi-bin/who" <<'SCRIPT'
#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
from=${REMOTE_ADDR##*:}
echo "$(hostname) ${from%]}"
SCRIPT
chmod 0755 "$base/www/cgi-bin/who"
# web [PORT]: serves /www, and ends at once when it is told to.
printf '#!/bin/sh\ntrap "exit 0" TERM\nhttpd -f -p "${1:-80}" -h /www &\nwait\n' >"$base/bin/web"
# get URL: its body; fails after three seconds. (A time limit of wget's own makes Debian's static busybox crash.)
printf '#!/bin/sh\nexec timeout 3 wget -qO- "$1" 2>/dev/null\n' >"$base/bin/get"
# retry COMMAND...: until it succeeds; prints what it printed then.
cat >"$base/bin/retry" <<'SCRIPT'
#!/bin/sh
while :; do
  got=$("$@" 2>/dev/null) && { echo "$got"; exit 0; }
  sleep 0.3
done
SCRIPT
# blocked NAME PORT: until three connections in a row were answered by nobody, which is not the same as refused.
cat >"$base/bin/blocked" <<'SCRIPT'
#!/bin/sh
count=0 address=
while [ $count -lt 3 ]; do
  [ -n "$address" ] || address=$(ping -c 1 -w 1 "$1" 2>/dev/null | sed -n '1s/^[^(]*(\([0-9.]*\)).*/\1/p')
  if [ "$(knock "$address" "$2")" = silence ]; then
    count=$((count + 1))
  else
    count=0
    sleep 0.3
  fi
done
echo blocked
SCRIPT
chmod 0755 "$base/bin/web" "$base/bin/get" "$base/bin/retry" "$base/bin/blocked"
layer "$base" base 1

image "$out/v1.tar" localhost/mainstay/tools:v1 '{"Env":["PATH=/bin"],"Cmd":["/bin/sh"]}' base
image "$out/entry.tar" localhost/mainstay/tools:entry '{"Env":["PATH=/bin","FROM_IMAGE=yes"],
"Entrypoint":["/bin/echo","entry"],"Cmd":["cmd"],"WorkingDir":"/srv"}' base
image "$out/user.tar" localhost/mainstay/tools:user '{"Env":["PATH=/bin"],"Cmd":["/bin/sh"],"User":"1234:1234"}' base
image "$out/named.tar" localhost/mainstay/tools:named '{"Env":["PATH=/bin"],"Cmd":["/bin/sh"],"User":"tester"}' base
