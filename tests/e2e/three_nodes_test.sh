#!/bin/bash
# Three nodes, each in a network namespace of its own on one bridge, real containers: the voting example is voted
# through a node port and its result read back; a rolling update under constant requests loses none; a node that is
# cut off loses its pods to the others, and after it is back nothing runs twice and no vote is missing.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin:/sbin
if [ "$(id -u)" != 0 ]; then
  echo "SKIPPED: real containers and network namespaces need root"
  exit 0
fi
. scripts/cluster.sh
nodes=(1 2 3)
hub=ms$$-hub
lan=10.213.7

# ---- three machines on a wire -----------------------------------------------------------------------------------

space() { echo "ms$$-$1"; }  # the network namespace of node $1
data_of() { echo "$work/node$1"; }
mark_of() { printf %s "$(data_of "$1")" | sha256sum | cut -c1-10; }
run_of() { echo "/run/mainstay-$(mark_of "$1")"; }
cgroup_of() { echo "mainstay-$(mark_of "$1")"; }
in_space() {  # in_space NAMESPACE COMMAND...: only the network is another; mounts and cgroups are the machine's
  local name=$1
  shift
  nsenter --net="/run/netns/$name" -- "$@"
}

make_wire() {
  local node
  ip netns add "$hub" && ip -n "$hub" link set lo up && ip -n "$hub" link add br0 type bridge &&
    ip -n "$hub" addr add "$lan.1/24" dev br0 && ip -n "$hub" link set br0 up || return 1
  for node in "${nodes[@]}"; do
    ip netns add "$(space "$node")" && ip -n "$(space "$node")" link set lo up &&
      ip -n "$hub" link add "node$node" type veth peer name eth0 netns "$(space "$node")" &&
      ip -n "$hub" link set "node$node" master br0 up &&
      ip -n "$(space "$node")" addr add "$lan.1$node/24" dev eth0 && ip -n "$(space "$node")" link set eth0 up &&
      ip -n "$(space "$node")" route add default via "$lan.1" || return 1
  done
}

# ---- the end: as in scripts/cluster.sh, for three nodes ---------------------------------------------------------

our_mounts() {
  local node
  for node in "${nodes[@]}"; do
    awk '{ print $5 }' /proc/self/mountinfo | grep -E "^($(data_of "$node")|$(run_of "$node"))(/|$)"
  done | sort -ru
}
our_cgroups() {
  local node
  for node in "${nodes[@]}"; do find /sys/fs/cgroup -depth -type d -path "*/$(cgroup_of "$node")*" 2>/dev/null; done
}
our_processes() {
  local node
  for node in "${nodes[@]}"; do
    grep -l "/$(cgroup_of "$node")/" /proc/[0-9]*/cgroup
    grep -lsF -e "$(data_of "$node")/" -e "$(run_of "$node")/" /proc/[0-9]*/cmdline
  done 2>/dev/null | cut -d/ -f3 | sort -un | grep -vx "$$"
}
leftovers() {
  local node
  our_processes | sed 's/^/process /'
  our_mounts | sed 's/^/mount /'
  our_cgroups | sed 's/^/cgroup /'
  ip netns list | grep -E "^ms$$-" | sed 's/^/network namespace /'
  for node in "${nodes[@]}"; do [ ! -e "$(run_of "$node")" ] || echo "directory $(run_of "$node")"; done
  [ ! -e "$work" ] || echo "directory $work"
}
take_away() {
  local pid point dir try node
  for pid in "${helper_pids[@]}" "${agent_pids[@]}" "$server_pid"; do stop_process "$pid" TERM; done
  for try in 1 2 3 4 5 6 7 8 9 10; do
    [ -n "$(our_processes)" ] || break
    for pid in $(our_processes); do kill -9 "$pid" 2>/dev/null; done
    sleep 0.2
  done
  for point in $(our_mounts); do umount "$point" 2>/dev/null || umount -l "$point" 2>/dev/null; done
  for dir in $(our_cgroups); do rmdir "$dir" 2>/dev/null; done
  for node in "${nodes[@]}"; do
    ip netns del "$(space "$node")" 2>/dev/null
    rm -rf "$(run_of "$node")"
  done
  ip netns del "$hub" 2>/dev/null
  rm -rf "$work"
}

# ---- what the cluster says --------------------------------------------------------------------------------------

nodes_ready() { [ "$(ms get nodes | awk 'NR > 1 && $2 == "Ready"' | wc -l)" = "$1" ]; }
node_is() { ms get nodes | awk -v n="node-$1" -v s="$2" '$1 == n && $2 == s { ok = 1 } END { exit !ok }'; }
# name, node and uid of every pod that runs
pods() { ms get pods -n voting -o json | jq -r '.items[] | "\(.metadata.name) \(.spec.nodeName) \(.metadata.uid)"'; }
pods_on() { pods | awk -v n="node-$1" '$2 == n { print $1 }'; }
ready_pods() { ms get pods -n voting | awk 'NR > 1 && $2 == "1/1" && $3 == "Running"' | wc -l; }
seven_ready() { [ "$(ready_pods)" = 7 ] && [ "$(pods | wc -l)" = 7 ]; }
# The pods whose containers run on this machine, by uid, from all nodes' cgroups.
container_uids() {
  local node dir
  for node in "${nodes[@]}"; do
    for dir in $(grep -l "/$(cgroup_of "$node")/" /proc/[0-9]*/cgroup 2>/dev/null); do
      dir=${dir%/cgroup}
      [ "$(awk '$1 == "NSpid:" && NF > 2 { print $NF }' "$dir/status" 2>/dev/null)" = 1 ] || continue
      sed -n "s|.*/$(cgroup_of "$node")/\([0-9a-f-]*\)/.*|\1|p" "$dir/cgroup" 2>/dev/null | head -n 1
    done
  done | sort
}
containers_are_the_pods() { [ "$(container_uids)" = "$(pods | awk '{ print $3 }' | sort)" ]; }

# ---- who votes --------------------------------------------------------------------------------------------------

ask() { in_space "$hub" curl -sS -m 10 "$@" 2>>"$work/curl.log"; }
cast=0 for_a=0 for_b=0
vote() {  # vote NODE a|b: one voter more
  cast=$((cast + 1))
  ask -f -o /dev/null -d "vote=$2" -d "voter=voter-$cast" "http://$lan.1$1:31000/" || return 1
  [ "$2" = a ] && for_a=$((for_a + 1)) || for_b=$((for_b + 1))
}
result() { ask -f "http://$lan.1$1:31001/json"; }
result_is_right() { [ "$(result "$1")" = "{\"a\": $for_a, \"b\": $for_b}" ]; }
# Asks again and again until $work/stop is there; a line for each that went wrong, and how many there were.
keep_asking() {
  local count=0 page
  while [ ! -e "$work/stop" ]; do
    page=$(ask -f "http://$lan.1$((count % 3 + 1)):31000/") || echo "request $count: $(tail -n 1 "$work/curl.log")" >>"$work/lost.$1"
    case $page in *Served\ by*) ;; *) echo "request $count: not the page" >>"$work/lost.$1" ;; esac
    count=$((count + 1))
  done
  echo "$count" >"$work/asked.$1"
}

for program in git runc conmon skopeo nft ip nsenter curl jq redis-server; do need_program "$program"; done
agent_pids=()
cluster_begin
make_wire || fail "the namespaces and the bridge could not be made"
# Everything that speaks to the server does so from the hub.
real=$binary
printf '#!/bin/sh\nexec nsenter --net=/run/netns/%s -- %s "$@"\n' "$hub" "$real" >"$work/mainstay"
chmod +x "$work/mainstay"
binary=$work/mainstay

repo_init
cp examples/voting/namespace.yaml "$repo/"
# Somebody's Service claims the server's own address and the name servers': no node is to be cut off, no name to be lost.
cat >"$repo/thief.yaml" <<YAML
apiVersion: v1
kind: Service
metadata: {name: thief, namespace: voting}
spec:
  externalIPs: ["$lan.1", 10.215.0.10]
  ports: [{name: api, port: 6443}, {name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]
YAML
head=$(commit "a namespace") || exit 1
cat >"$work/server.yaml" <<CONFIG
source:
  pollInterval: 1s
network:
  podCIDR: 10.214.0.0/16
  serviceCIDR: 10.215.0.0/16
limits:
  nodeGrace: 15s
CONFIG
serve server --config "$work/server.yaml" --repo "$repo" --branch main --data-dir "$data" --listen "$lan.1:6443"
sh examples/voting/pack.sh "$work/images" >"$work/pack.log" 2>&1 || fail "packing the images"
mkdir -p "$work/join"
cp "$data/pki/ca.crt" "$work/join/ca.crt" || fail "the server left no $data/pki/ca.crt"
"$binary" token create --kubeconfig "$kubeconfig" >"$work/join/token" 2>"$work/token.log" || fail "no join token"
for node in "${nodes[@]}"; do
  for archive in "$work"/images/*.tar; do
    "$real" image import "$archive" --data-dir "$(data_of "$node")" >>"$work/import.log" 2>&1 || fail "importing $archive"
  done
done
for node in "${nodes[@]}"; do
  nsenter --net="/run/netns/$(space "$node")" -- "$real" agent --server "$server_url" --token-file "$work/join/token" \
    --name "node-$node" --address "$lan.1$node" --data-dir "$(data_of "$node")" >>"$work/agent$node.log" 2>&1 &
  agent_pids+=("$!")
done
wait_until 60 "three nodes are Ready" nodes_ready 3
cp examples/voting/*.yaml "$repo/"
head=$(commit "the voting app") || exit 1
wait_until 120 "Synced and Healthy" app_is Synced Healthy "$head"
wait_until 30 "seven pods are ready" seven_ready
[ "$(pods | awk '$1 ~ /^vote-/ { print $2 }' | sort -u | wc -l)" = 3 ] || fail "the front ends are not on three nodes: $(pods)"
echo "three nodes: $(pods | awk '{ split($1, n, "-"); printf "%s on %s, ", n[1], $2 }' | sed 's/, $//')"

# ---- names and services -----------------------------------------------------------------------------------------

wait_until 30 "a vote arrives" vote 1 a
for node in "${nodes[@]}"; do
  vote "$node" a && vote "$node" b && vote "$node" b || fail "voting through node $node: $(tail -n 1 "$work/curl.log")"
done
for node in "${nodes[@]}"; do
  wait_until 30 "the result through node $node is $for_a to $for_b, not $(result "$node")" result_is_right "$node"
done
for node in "${nodes[@]}"; do
  [ -n "$(pods_on "$node")" ] || continue
  file=$(find "$(data_of "$node")" "$(run_of "$node")" -name resolv.conf -path '*etc*' 2>/dev/null | head -n 1)
  grep -qx 'nameserver 10.215.0.10' "$file" && grep -q '^search voting.svc.cluster.local svc.cluster.local cluster.local' "$file" ||
    fail "resolv.conf of a pod on node $node: $(cat "$file")"
done
echo "three nodes: votes through every node's port are counted, by name from pod to pod"

# ---- a rolling update under constant requests -------------------------------------------------------------------

for asker in 1 2 3; do
  keep_asking "$asker" &
  helper_pids+=("$!")
done
askers=("${helper_pids[@]}")
sed -i 's/value: v1/value: v2/' "$repo/vote.yaml"
head=$(commit "v2 of the front end") || exit 1
wait_until 120 "v2 is Synced and Healthy" app_is Synced Healthy "$head"
wait_until 60 "seven pods are ready, the old ones gone" seven_ready
touch "$work/stop"
for asker in "${askers[@]}"; do wait "$asker"; done
helper_pids=()
asked=$(cat "$work"/asked.* | awk '{ n += $1 } END { print n }')
[ "$asked" -ge 50 ] || fail "only $asked requests were made during the update"
[ -z "$(cat "$work"/lost.* 2>/dev/null)" ] || fail "of $asked requests some were lost: $(cat "$work"/lost.* | head -n 5)"
for try in 1 2 3 4 5 6; do
  ask -f "http://$lan.11:31000/" | grep -q 'Served by vote-.*, v2' || fail "the front end is not v2"
done
echo "three nodes: a rolling update under $asked requests loses none"

# ---- a node is cut off ------------------------------------------------------------------------------------------

# One whose pods can move: what redis and the database hold would be lost with theirs.
cut=''
for node in "${nodes[@]}"; do
  pods_on "$node" | grep -qE '^(redis|db)-' || cut=$node
done
[ -n "$cut" ] || fail "redis and the database leave no node free: $(pods)"
lost=$(pods_on "$cut")
others=(); for node in "${nodes[@]}"; do [ "$node" = "$cut" ] || others+=("$node"); done
ip -n "$hub" link set "node$cut" down || fail "the wire of node $cut cannot be cut"
wait_until 60 "node $cut counts as lost" node_is "$cut" NotReady
served_by_others() {
  local name
  for name in vote worker result redis db; do
    ms get pods -n voting -o json | jq -e --arg p "$name-" --arg n "node-$cut" '[.items[] |
      select((.metadata.name | startswith($p)) and .spec.nodeName != $n and .metadata.deletionTimestamp == null and
             any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length > 0' >/dev/null || return 1
  done
}
wait_until 90 "the pods of node $cut run elsewhere" served_by_others
three_votes() {
  [ "$(ms get pods -n voting -o json | jq --arg n "node-$cut" '[.items[] | select((.metadata.name | startswith("vote-")) and
    .spec.nodeName != $n and any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length')" = 3 ]
}
wait_until 60 "three front ends on two nodes" three_votes
# Established connections and answers that are under way may still lead to the lost node for a moment.
for node in "${others[@]}"; do wait_until 30 "node $node accepts votes" vote "$node" b; done
for try in 1 2 3 4 5 6; do
  vote "${others[$((try % 2))]}" a || fail "a vote got lost with node $cut: $(tail -n 1 "$work/curl.log")"
done
echo "three nodes: without node-$cut ($(echo $lost)) its pods run on the others"

ip -n "$hub" link set "node$cut" up || fail "the wire of node $cut cannot be mended"
wait_until 60 "node $cut is back" node_is "$cut" Ready
wait_until 90 "seven pods, each once" seven_ready
wait_until 60 "every container is a pod's and every pod has one: $(container_uids) against $(pods)" containers_are_the_pods
for name in $lost; do
  pods | grep -q "^$name " && fail "$name of the lost node is still there: $(pods)"
done
# A vote that got no answer may have been counted all the same; every answered one must have been.
total=$(($(result "${others[0]}" | jq '.a + .b')))
[ "$total" -ge $((for_a + for_b)) ] && [ "$total" -le "$cast" ] ||
  wait_until 30 "all $((for_a + for_b)) votes are counted, no one twice, not $(result "${others[0]}")" result_is_right "${others[0]}"
for node in "${nodes[@]}"; do
  vote "$node" a || fail "voting through node $node after all: $(tail -n 1 "$work/curl.log")"
done
echo "three nodes: node-$cut is back, every pod runs once, $((for_a + for_b)) votes are counted"
