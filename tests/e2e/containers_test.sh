#!/bin/bash
# Real containers: scripts/demo as users run it, to its end and interrupted in the middle; and on a cluster of its
# own what the demo does not show: logs, configuration and secrets inside, a pod deleted, pods that go leave nothing.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin:/sbin
if [ "$(id -u)" != 0 ]; then
  echo "SKIPPED: real containers need root"
  exit 0
fi
. scripts/cluster.sh
for program in git runc conmon skopeo nft ps; do need_program "$program"; done
cluster_begin

# What the machine had before; other tests may come and go, so only what bears our mark is looked at at the end.
demo_log=$work/demo.log
scripts/demo >"$demo_log" 2>&1 || fail "scripts/demo ends with $?"
for line in 'four containers run' 'GET http://.*mainstay example web v1' 'the least was [3-5] available' \
  'web.yaml:[0-9]*:[0-9]*: error: spec.replicas' 'it is back as process' 'no restart counted' \
  'returns exactly to what commit' 'Nothing is left on this machine'; do
  grep -q "$line" "$demo_log" || fail "scripts/demo does not say: $line"
done
echo "demo: runs to its end and leaves nothing"

# Else the first demo's words may still be read.
: >"$demo_log"
setsid scripts/demo >"$demo_log" 2>&1 &
demo_pid=$!
helper_pids+=("$demo_pid")
wait_until 90 "the demo's containers run" grep -q 'four containers run' "$demo_log"
demo_dir=$(sed -n 's|.*store in \(/tmp/mainstay-[^/]*\)/.*|\1|p' "$demo_log")
[ -d "$demo_dir" ] || fail "the demo names no directory"
demo_mark=mainstay-$(printf %s "$demo_dir/node" | sha256sum | cut -c1-10)
kill -TERM "$demo_pid"
wait "$demo_pid"
code=$?
[ "$code" = 130 ] || fail "an interrupted demo ends with $code, not 130"
[ ! -e "$demo_dir" ] || fail "an interrupted demo leaves $demo_dir"
[ ! -e "/run/$demo_mark" ] || fail "an interrupted demo leaves /run/$demo_mark"
[ -z "$(find /sys/fs/cgroup -type d -name "$demo_mark" 2>/dev/null)" ] || fail "an interrupted demo leaves cgroups"
grep -q "$demo_mark\|$demo_dir" /proc/self/mountinfo && fail "an interrupted demo leaves mounts"
grep -lqF "/$demo_mark/" /proc/[0-9]*/cgroup 2>/dev/null && fail "an interrupted demo leaves processes"
nft list tables 2>/dev/null | grep -qw "${demo_mark//-/_}" && fail "an interrupted demo leaves an nft table"
rm -f "$demo_log"
echo "demo: interrupted, it leaves nothing"

# ---- a cluster of its own ---------------------------------------------------------------------------------------

repo_init
cp examples/shop/*.yaml "$repo/"
head=$(commit "the shop") || exit 1
printf 'source:\n  pollInterval: 1s\nnetwork:\n  podCIDR: 10.214.0.0/16\n' >"$work/server.yaml"
serve server --config "$work/server.yaml" --repo "$repo" --branch main --data-dir "$data" --listen 127.0.0.1:0
sh examples/images/pack.sh "$work/images" >"$work/pack.log" 2>&1 || fail "packing the example images"
for archive in "$work"/images/*.tar; do
  "$binary" image import "$archive" --data-dir "$agent_data" >>"$work/import.log" 2>&1 || fail "importing $archive"
done
start_agent
wait_until 90 "Synced and Healthy" app_is Synced Healthy "$head"

clock=$(ms get pods -n shop | awk '$1 ~ /^clock-/ { print $1 }')
clock_speaks() { [ "$(ms logs "$clock" -n shop | wc -l)" -ge 3 ]; }
wait_until 30 "the clock's log has three lines" clock_speaks
[ "$(ms logs "$clock" -n shop --tail 2 | wc -l)" = 2 ] || fail "logs --tail 2 gives not two lines"
timeout 3 "$binary" logs "$clock" -n shop -f --kubeconfig "$kubeconfig" >"$work/follow.out" 2>&1
[ "$(wc -l <"$work/follow.out")" -ge 4 ] || fail "logs -f did not go on: $(cat "$work/follow.out")"
echo "containers: logs, and logs that go on"

pod=$(ms get pods -n shop | awk '$1 ~ /^web-/ { print $1; exit }')
uid=$(pod_uid "$pod")
pid=$(container_pid "$uid") || fail "no process of $pod"
tr '\0' '\n' <"/proc/$pid/environ" | grep -qx 'GREETING=What is on main stays.' || fail "the ConfigMap is not in the environment"
[ "$(cat "/proc/$pid/root/run/secrets/web/token")" = not-a-real-token ] || fail "the Secret is not in its file"
awk '$5 == "/run/secrets/web" && /tmpfs/ { found = 1 } END { exit !found }' "/proc/$pid/mountinfo" ||
  fail "the Secret does not lie on a tmpfs"
# Neither as it is nor in base64, in any file that is on a disk (-xdev: the tmpfs is none).
found=$(find "$data" "$agent_data" "$run_dir" -xdev -type f ! -path "$run_dir/*" \
  -exec grep -lsF -e not-a-real-token -e "$(printf not-a-real-token | base64)" {} +)
[ -z "$found" ] || fail "the Secret's text is on the disk: $found"
[ "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" = 1000 ] || fail "the container does not run as its image's user"
[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ] || fail "the pod has no network of its own"
limit=$(cat "/sys/fs/cgroup/memory/$cgroup/$uid/"*/memory.limit_in_bytes "/sys/fs/cgroup/$cgroup/$uid/"*/memory.max 2>/dev/null)
[ "$limit" = 67108864 ] || fail "the memory limit is not 64Mi but: $limit"
echo "containers: environment, secret on tmpfs and not on disk, user, network, memory limit"
image_reported() { ms get node -o json | grep -qE '"[^" ]+@sha256:[0-9a-f]{64}"'; }
wait_until 20 "the node tells its images" image_reported

# left_of UID: what the node still has of a pod.
left_of() {
  [ ! -e "$agent_data/pods/$1" ] || echo "directory $agent_data/pods/$1"
  find "$run_dir" -name "*$1*" 2>/dev/null
  find /sys/fs/cgroup -type d -name "*$1*" 2>/dev/null
  grep -F "$1" /proc/self/mountinfo
  grep -lx "mainstay:$1" /sys/class/net/*/ifalias 2>/dev/null
}
gone_without_trace() { [ -z "$(left_of "$1")" ]; }
need_delete() {
  if command -v kubectl >/dev/null; then
    kubectl --kubeconfig "$kubeconfig" --cache-dir "$work/cache" delete pod "$1" -n shop --wait=false >/dev/null || fail "kubectl delete pod"
  else
    echo "SKIPPED: without kubectl no pod is deleted by hand"
    return 1
  fi
}
web_ready() { pods_are "$1" '^web-[^ ]+ +1/1 +Running' && pods_are "$1" '^web-'; }
if need_delete "$pod"; then
  wait_until 30 "nothing is left of $pod: $(left_of "$uid")" gone_without_trace "$uid"
  wait_until 30 "another pod takes its place" web_ready 3
  echo "containers: a deleted pod is replaced, and nothing is left of it"
fi

sed -i 's/replicas: 3/replicas: 1/' "$repo/web.yaml"
mapfile -t uids < <(ls "$agent_data/pods")
head=$(commit "one is enough") || exit 1
wait_until 60 "scaled down" app_is Synced Healthy "$head"
wait_until 30 "one pod of web" web_ready 1
two_directories() { [ "$(ls "$agent_data/pods" | wc -l)" = 2 ]; }
wait_until 30 "the pods that go leave no directory" two_directories
for uid in "${uids[@]}"; do
  [ -e "$agent_data/pods/$uid" ] || wait_until 20 "nothing is left of $uid: $(left_of "$uid")" gone_without_trace "$uid"
done
echo "containers: pods that go leave nothing"

# Before the machine goes down the pods end in good order, for good; with the next agent others take their place.
"$binary" agent --shutdown --data-dir "$agent_data" >"$work/shutdown.log" 2>&1 || fail "agent --shutdown: $(cat "$work/shutdown.log")"
[ -z "$(container_pids)" ] || fail "after the shutdown run: $(container_pids)"
[ "$(ms get pods -n shop -o json | grep -oE '"reason": *"Terminated"' | wc -l)" = 2 ] || fail "not two pods are Terminated"
node_is_off() { ms get nodes | awk '$1 == "demo-node" && $2 ~ /NotReady/ { ok = 1 } END { exit !ok }'; }
wait_until 5 "the node is NotReady" node_is_off
process_lives "$agent_pid" || fail "the agent has ended with its pods, and would be started again"
stop_process "$agent_pid" TERM
"$binary" agent --shutdown --data-dir "$agent_data" >>"$work/shutdown.log" 2>&1 && fail "a shutdown without an agent has worked"
start_agent
others_run() { [ "$(container_pids | wc -l)" = 2 ]; }
wait_until 60 "other pods run" others_run
echo "containers: a shutdown ends the pods, and nothing brings them back before the next start"

# With the server away the agent keeps pods running.
stop_process "$server_pid" TERM
server_pid=''
pid=$(container_pids | head -n 1)
kill -9 "$pid"
two_run() { [ "$(container_pids | wc -l)" = 2 ] && [ "$(container_pids | grep -cx "$pid")" = 0 ]; }
wait_until 30 "the agent restarts a container by itself" two_run
echo "containers: the agent restarts a container while the server is away"
echo passed
