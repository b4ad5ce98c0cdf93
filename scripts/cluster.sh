# A throw-away cluster for scripts/demo and the end-to-end tests; to be sourced by bash with `set -uo pipefail`.
# One server and one agent of $binary with a Git repository, in a temp directory of their own, on free ports.
# The one who sources this calls `cluster_begin` first; at the end of the script, also when it is interrupted,
# everything is taken away again, and what could not be is an error. Knows nothing of clusters it did not make.

binary=${MAINSTAY_BINARY:-}
server_pid='' agent_pid='' helper_pids=() mark='' had_dns=no

now_ms() { local t=${EPOCHREALTIME//[^0-9]/}; echo $((t / 1000)); }

# fail MESSAGE: says what went wrong and what the logs say last, and ends the script with 1.
fail() {
  echo "FAILED: $*" >&2
  local log
  if [ -n "$server_pid" ]; then ms get pods -A -o wide >&2; ms events -A | tail -n 15 >&2; fi
  for log in "${work:-/nowhere}"/*.log; do
    [ -s "$log" ] || continue
    echo "--- the end of ${log##*/}:" >&2
    tail -n "${FAIL_LOG_LINES:-30}" "$log" >&2
  done
  exit 1
}

# wait_until SECONDS WHAT COMMAND...: until the command succeeds; fails with WHAT after that time.
wait_until() {
  local limit=$1 what=$2 start=$SECONDS
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $((SECONDS - start)) -lt "$limit" ] || fail "waited $limit s in vain: $what"
    sleep 0.05
  done
}

need_program() { command -v "$1" >/dev/null || fail "$1 is not installed: run scripts/packages test"; }

# A TCP port of loopback that nobody has at this moment.
free_port() {
  local port tries=0
  while [ $((tries++)) -lt 100 ]; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  fail "no free port was found"
}

cluster_begin() {
  [ -n "$binary" ] || fail "MAINSTAY_BINARY names no program"
  [ -x "$binary" ] || fail "$binary cannot be run"
  binary=$(realpath "$binary")
  work=$(mktemp -d /tmp/mainstay-XXXXXX)
  ! ip link show mainstay-dns >/dev/null 2>&1 || had_dns=yes
  trap cluster_end EXIT
  trap 'echo; echo "interrupted" >&2; exit 130' INT TERM HUP
  data=$work/server agent_data=$work/node repo=$work/repo kubeconfig=$work/server/kubeconfig
  # As the agent names them after its data directory.
  mark=$(printf %s "$agent_data" | sha256sum | cut -c1-10)
  run_dir=/run/mainstay-$mark cgroup=mainstay-$mark
  # No settings of the person who runs this.
  export HOME=$work GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
  export GIT_AUTHOR_NAME=Mainstay GIT_AUTHOR_EMAIL=mainstay@localhost
  export GIT_COMMITTER_NAME=Mainstay GIT_COMMITTER_EMAIL=mainstay@localhost
  unset KUBECONFIG
}

# ---- Git ----------------------------------------------------------------------------------------------------

repo_init() { git init -q -b main "$repo" || fail "git init"; }
# commit MESSAGE: everything in the work tree; prints the commit's id.
commit() {
  git -C "$repo" add -A && git -C "$repo" commit -q -m "$1" && git -C "$repo" rev-parse HEAD || fail "git commit: $1"
}

# ---- processes ----------------------------------------------------------------------------------------------

# stop_process PID SIGNAL: and waits; after 15 s it is killed.
stop_process() {
  local pid=$1 start=$SECONDS
  [ -n "$pid" ] || return 0
  kill -"$2" "$pid" 2>/dev/null
  while kill -0 "$pid" 2>/dev/null && [ $((SECONDS - start)) -lt 15 ]; do sleep 0.05; done
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  return 0
}

process_lives() { kill -0 "$1" 2>/dev/null; }

# serve COMMAND ARGUMENTS...: `mainstay server` or `up` in the background; returns when it is ready.
serve() {
  "$binary" "$@" >>"$work/server.log" 2>&1 &
  server_pid=$!
  wait_until 60 "the server's kubeconfig" server_answers
  server_url=$(sed -n 's/^ *server: *//p' "$kubeconfig" | tr -d '"')
}

server_answers() {
  process_lives "$server_pid" || fail "the server has ended by itself"
  [ -s "$kubeconfig" ] && ms get namespaces
}

# ms COMMAND ...: a client command of ours.
ms() {
  local command=$1
  shift
  "$binary" "$command" --kubeconfig "$kubeconfig" "$@" 2>>"$work/client.log"
}

start_agent() {
  mkdir -p "$work/join"
  cp "$data/pki/ca.crt" "$work/join/ca.crt" || fail "the server left no $data/pki/ca.crt"
  if [ ! -s "$work/join/token" ]; then
    "$binary" token create --kubeconfig "$kubeconfig" >"$work/join/token" 2>"$work/token.log" || fail "no join token"
  fi
  "$binary" agent --server "$server_url" --token-file "$work/join/token" --name demo-node \
    --data-dir "$agent_data" >>"$work/agent.log" 2>&1 &
  agent_pid=$!
  wait_until 60 "the node is Ready" node_is_ready
}

node_is_ready() {
  process_lives "$agent_pid" || fail "the agent has ended by itself"
  ms get nodes | awk '$1 == "demo-node" && $2 == "Ready" { ok = 1 } END { exit !ok }'
}

# ---- what the cluster says ----------------------------------------------------------------------------------

# app_is SYNC HEALTH [COMMIT]: as `mainstay status` says.
app_is() { ms status | head -n 1 | grep -q ": $1, $2 at ${3:+${3:0:10}}"; }
app_refuses() { ms status | grep -q "commit $1 is refused"; }
# count_pods PATTERN [NAMESPACE]: how many pods, by name and their line in the table, match.
count_pods() { ms get pods -n "${2:-shop}" | tail -n +2 | grep -cE "$1" || true; }
pods_are() { [ "$(count_pods "$2" "${3:-shop}")" = "$1" ]; }
# available DEPLOYMENT: its number of available pods.
available() { ms get deployment "$1" -n "${2:-shop}" | awk 'NR == 2 { print $4 }'; }
# The address of each Running pod whose name begins with $1.
pod_addresses() { ms get pods -n shop -o wide | awk -v p="^$1-" '$1 ~ p && $3 == "Running" { print $(NF-3) }'; }
pod_uid() { ms get pod "$1" -n "${2:-shop}" -o yaml | sed -n 's/^  uid: *//p' | tr -d '"'; }
restarts() { ms get pod "$1" -n shop | awk 'NR == 2 { print $4 }'; }

# container_pid UID: the process on this machine that is process 1 of the pod's container.
container_pid() {
  local dir
  for dir in $(grep -l "/$cgroup/$1/" /proc/[0-9]*/cgroup 2>/dev/null); do
    dir=${dir%/cgroup}
    [ "$(awk '$1 == "NSpid:" { print $NF }' "$dir/status" 2>/dev/null)" = 1 ] && { echo "${dir#/proc/}"; return; }
  done
  return 1
}
# All of them, sorted.
container_pids() {
  local dir
  for dir in $(grep -l "/$cgroup/" /proc/[0-9]*/cgroup 2>/dev/null); do
    dir=${dir%/cgroup}
    [ "$(awk '$1 == "NSpid:" && NF > 2 { print $NF }' "$dir/status" 2>/dev/null)" = 1 ] && echo "${dir#/proc/}"
  done | sort -n
}

# http_get ADDRESS PORT PATH: the body.
http_get() {
  timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET %s HTTP/1.0\r\n\r\n" "$2" >&3 && cat <&3' "$@" 2>/dev/null |
    sed '1,/^\r*$/d'
}

# ---- the end ------------------------------------------------------------------------------------------------

our_mounts() { awk '{ print $5 }' /proc/self/mountinfo | grep -E "^($work|$run_dir)(/|$)" | sort -ru; }
our_cgroups() { find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" 2>/dev/null; }
# Processes in our cgroups, and monitors that name our directories.
our_processes() {
  { grep -l "/$cgroup/" /proc/[0-9]*/cgroup; grep -lsF -e "$agent_data/" -e "$run_dir/" /proc/[0-9]*/cmdline; } 2>/dev/null |
    cut -d/ -f3 | sort -un | grep -vx "$$"
}
our_interfaces() {
  local uid
  for uid in $pod_uids; do grep -lx "mainstay:$uid" /sys/class/net/*/ifalias 2>/dev/null | cut -d/ -f5; done
}

# What is left of the cluster on this machine; nothing is right.
leftovers() {
  our_processes | sed 's/^/process /'
  our_mounts | sed 's/^/mount /'
  our_cgroups | sed 's/^/cgroup /'
  our_interfaces | sed 's/^/interface /'
  command -v nft >/dev/null && nft list tables 2>/dev/null | grep "$mark"
  ! ip link show mainstay-dns >/dev/null 2>&1 || [ "$had_dns" = yes ] || echo "interface mainstay-dns"
  [ ! -e "$run_dir" ] || echo "directory $run_dir"
  [ ! -e "$work" ] || echo "directory $work"
}

take_away() {
  local pid point dir try
  for pid in "$agent_pid" "$server_pid" "${helper_pids[@]}"; do stop_process "$pid" TERM; done
  pod_uids=$(ls "$agent_data/pods" 2>/dev/null)
  for try in 1 2 3 4 5 6 7 8 9 10; do
    [ -n "$(our_processes)" ] || break
    for pid in $(our_processes); do kill -9 "$pid" 2>/dev/null; done
    sleep 0.2
  done
  for point in $(our_mounts); do umount "$point" 2>/dev/null || umount -l "$point" 2>/dev/null; done
  for dir in $(our_cgroups); do rmdir "$dir" 2>/dev/null; done
  # Rules, routes and the DNS address; tables of this mark that a killed agent's successor would have repaired.
  [ ! -d "$agent_data" ] || "$binary" agent --remove-network --data-dir "$agent_data" >>"$work/agent.log" 2>&1
  nft list tables 2>/dev/null | grep "$mark" | while read -r line; do nft delete $line 2>/dev/null; done
  rm -rf "$run_dir" "$work"
}

cluster_end() {
  local code=$? left try
  trap '' INT TERM HUP
  trap - EXIT
  pod_uids=''
  take_away
  # The kernel takes network namespaces apart in its own time.
  for try in {1..50}; do
    left=$(leftovers)
    [ -n "$left" ] || break
    sleep 0.1
  done
  if [ -n "$left" ]; then
    echo "FAILED: this is left on the machine:" >&2
    echo "$left" >&2
    exit 1
  fi
  [ "$code" != 0 ] || [ -z "${say_clean:-}" ] || echo "$say_clean"
  exit "$code"
}
