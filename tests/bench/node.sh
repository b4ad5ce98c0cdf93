#!/bin/bash
# One server and one agent with real containers: what a pod costs beside the bare runtime, what a push costs, what the
# agent holds. Prints one line of JSON; mainstay_bench runs it. MAINSTAY_BINARY is the program, QUICK=1 makes it small.
# Exit 3 with a sentence: this machine cannot run it.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin:/sbin
lacks() { echo "$*" >&2; exit 3; }
[ "$(id -u)" = 0 ] || lacks "real containers need root"
for program in git runc conmon curl openssl ip busybox skopeo; do
  command -v "$program" >/dev/null || lacks "$program is not installed: run scripts/packages test"
done
exec 4>&1 1>&2
. scripts/cluster.sh
cluster_begin
singles=12 many=100 services=1000
[ "${QUICK:-}" = 1 ] && singles=3 many=10 services=50

micros() { local t=${EPOCHREALTIME//[^0-9]/}; echo "$t"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
resident_kb() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }

# ---- the bare runtime ---------------------------------------------------------------------------------------

bundle=$work/bundle
bare_begin() {
  mkdir -p "$bundle/rootfs/bin" "$bundle/rootfs/proc" "$bundle/rootfs/dev" "$bundle/rootfs/sys"
  cp "$(command -v busybox)" "$bundle/rootfs/bin/busybox" || fail "no busybox"
  runc spec --bundle "$bundle" || fail "runc spec"
  sed -i 's/"terminal": true/"terminal": false/; s|"sh"|"/bin/busybox", "sleep", "300"|' "$bundle/config.json"
}
# bare NAME: a network namespace with an address, and a container created and started; its microseconds.
bare() {
  local at name=mainstay-bench-$$-$1
  at=$(micros)
  ip netns add "$name" && ip link add "mb$1" type veth peer name eth0 netns "$name" &&
    ip -n "$name" -batch - <<<"link set lo up
addr add 10.211.$1.2/24 dev eth0
link set eth0 up" || fail "a network namespace"
  runc --root "$work/runc" create --bundle "$bundle" "$name" </dev/null >"$work/runc.log" 2>&1 &&
    runc --root "$work/runc" start "$name" >>"$work/runc.log" 2>&1 || fail "runc: $(tail -n 1 "$work/runc.log")"
  echo $(($(micros) - at))
  runc --root "$work/runc" delete -f "$name" >/dev/null 2>&1
  ip netns del "$name"
}

# ---- what the API says, as it says it -----------------------------------------------------------------------

# Every change of a pod in shop, with the time it was seen: MICROS NAME NODE PHASE
watch_pods() {
  local token ca=$data/pki/ca.crt line name node phase
  token=$(sed -n 's/^ *token: *//p' "$kubeconfig" | tr -d '"')
  curl -sN --cacert "$ca" -H "Authorization: Bearer $token" \
    "$server_url/api/v1/namespaces/shop/pods?watch=1" >"$work/watch.fifo" 2>/dev/null &
  echo $! >"$work/watch.pid"
  local named='"name":"([^"]+)"' bound='"nodeName":"([^"]+)"' phased='"phase":"([^"]+)"'
  while IFS= read -r line; do
    name='' node='-' phase='-'
    [[ $line =~ $named ]] && name=${BASH_REMATCH[1]}
    [[ $line =~ $bound ]] && node=${BASH_REMATCH[1]}
    [[ $line =~ $phased ]] && phase=${BASH_REMATCH[1]}
    echo "$(micros) $name $node $phase"
  done <"$work/watch.fifo" >"$work/pods.seen"
}
# The first time a pod whose name begins with $1 was seen with its third or fourth column as $2; "" before.
seen() { awk -v p="^$1" -v w="$2" '$2 ~ p && (w == "bound" ? $3 != "-" : $4 == w) { print $1; exit }' "$work/pods.seen"; }
running() { awk -v p="^$1" '$2 ~ p && $4 == "Running" { n[$2] = 1 } END { print length(n) }' "$work/pods.seen"; }
has_running() { [ "$(running "$1")" -ge "$2" ]; }
# The time the last of $2 pods came to run.
last_running() { awk -v p="^$1" '$2 ~ p && $4 == "Running" && !n[$2]++ { t = $1 } END { print t }' "$work/pods.seen"; }

pod() {
  cat <<POD
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: shop}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: main, image: "localhost/mainstay/web:v1", command: [/bin/sleep, "3000"]}
POD
}
deployment() {
  cat <<DEPLOYMENT
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1, namespace: shop}
spec:
  replicas: $2
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - {name: main, image: "localhost/mainstay/web:v1", command: [/bin/sleep, "3000"]}
DEPLOYMENT
}

# One with ten endpoints.
service() {
  cat <<SERVICE
---
apiVersion: v1
kind: Service
metadata: {name: service-$1, namespace: shop}
spec:
  selector: {app: ten-1}
  ports: [{port: 80, targetPort: 8080}]
SERVICE
}

push_hook() {
  local body='{}' mark
  mark=$(printf %s "$body" | openssl dgst -sha256 -hmac bench-secret -r | cut -d' ' -f1)
  curl -sf -o /dev/null -H "X-Signature: sha256=$mark" --data "$body" "http://127.0.0.1:$hook/" || fail "the webhook"
}

# ---- the run ------------------------------------------------------------------------------------------------

hook=$(free_port)
printf 'bench-secret\n' >"$work/secret"
cat >"$work/server.yaml" <<CONFIG
source: {pollInterval: 10m}
webhook: {listen: "127.0.0.1:$hook", secretFile: $work/secret}
network: {podCIDR: 10.212.0.0/16}
CONFIG
repo_init
cp examples/shop/namespace.yaml "$repo/"
first=$(commit "a namespace") || exit 1
sh examples/images/pack.sh "$work/images" >"$work/pack.log" 2>&1 || fail "packing the example images"
"$binary" image import "$work/images/web-v1.tar" --data-dir "$agent_data" >"$work/import.log" 2>&1 || fail "importing"
serve server --config "$work/server.yaml" --repo "$repo" --branch main --data-dir "$data" --listen 127.0.0.1:0
start_agent
wait_until 60 "the first commit is applied" app_is Synced Healthy "$first"
sleep 1
agent_idle=$(resident_kb "$agent_pid")
: >"$work/pods.seen"
mkfifo "$work/watch.fifo"
watch_pods &
helper_pids+=("$!")
wait_until 10 "the watch runs" test -s "$work/watch.pid"
helper_pids+=("$(cat "$work/watch.pid")")
bare_begin

# So many pods at once, from the first bound to the last running, beside the same number of bare ones on both cores.
lane() { for ((n = $1; n <= many; n += 2)); do bare "$n" >/dev/null; done; }
at=$(micros)
lane 1 & first_lane=$!
lane 2 & second_lane=$!
wait "$first_lane" && wait "$second_lane" || fail "the bare runtime in two lanes"
bare_many_us=$(($(micros) - at))
deployment many "$many" >"$repo/many.yaml"
commit "many pods" >/dev/null
push_hook
wait_until 180 "all pods run" has_running "many-" "$many"
many_us=$(($(last_running "many-") - $(seen "many-" bound)))
# Most of them stay: with those that follow they are as many again.
rest=$((many - 30 - singles > 0 ? many - 30 - singles : many / 2))
deployment many "$rest" >"$repo/many.yaml"
commit "fewer pods" >/dev/null
push_hook
pods_left() { [ "$(find "$agent_data/pods" -mindepth 1 -maxdepth 1 | wc -l)" -eq "$rest" ]; }
wait_until 180 "the others are gone" pods_left

# One pod at a time, beside the bare runtime.
ours='' bares=''
for ((i = 1; i <= singles; ++i)); do
  bares+="$(bare "$i")"$'\n'
  pod "single-$i" >"$repo/single-$i.yaml"
  commit "pod $i" >/dev/null
  push_hook
  wait_until 30 "pod $i runs" has_running "single-$i\$" 1
  ours+="$(($(seen "single-$i\$" Running) - $(seen "single-$i\$" bound)))"$'\n'
done
single_us=$(printf %s "$ours" | median) bare_us=$(printf %s "$bares" | median)

# A push to ten pods running; its parts: the commit fetched and compared with git, ten times the bare runtime.
tens='' fetches=''
git clone -q --bare "$repo" "$work/mirror" || fail "git clone"
for round in 1 2 3; do
  deployment "ten-$round" 10 >"$repo/ten-$round.yaml"
  commit "ten pods" >/dev/null
  at=$(micros)
  push_hook
  wait_until 60 "ten pods run" has_running "ten-$round-" 10
  tens+="$(($(last_running "ten-$round-") - at))"$'\n'
  at=$(micros)
  git -C "$work/mirror" fetch -q origin main:main && git -C "$work/mirror" diff-tree -r main~1 main >/dev/null || fail "git fetch"
  fetches+="$(($(micros) - at))"$'\n'
done
ten_us=$(printf %s "$tens" | median) fetch_us=$(printf %s "$fetches" | median)

# What the agent holds with a hundred pods while there are a thousand Services.
for ((i = 0; i < services; ++i)); do service "$i"; done >"$repo/services.yaml"
commit "services" >/dev/null
push_hook
services_known() {
  [ "$(nft list map ip "mainstay_${mark}_services" services 2>/dev/null | grep -o "goto draw_10" | wc -l)" -ge "$services" ]
}
wait_until 60 "the agent knows the services" services_known
sleep 2
pods=$(find "$agent_data/pods" -mindepth 1 -maxdepth 1 | wc -l)
echo "{\"agent_idle_kb\":$agent_idle,\"agent_kb\":$(resident_kb "$agent_pid"),\"pods\":$pods,\"server_kb\":$(resident_kb "$server_pid"),\
\"pod_us\":$single_us,\"bare_us\":$bare_us,\"ten_us\":$ten_us,\"many_us\":$many_us,\"bare_many_us\":$bare_many_us,\"services\":$services,\"fetch_us\":$fetch_us}" >&4
