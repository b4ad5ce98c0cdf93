#!/bin/bash
# Each command of `mainstay` against a running server and a real repository: what it prints, its exit code, its JSON, and
# the one sentence it says when something is wrong.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. scripts/cluster.sh
need_program git
need_program jq
cluster_begin

# says CODE PATTERN COMMAND...: the exit code, and a line of its output that matches; errors are one line each.
says() {
  local code=$1 pattern=$2 out got
  shift 2
  out=$(timeout 60 "$binary" "$@" 2>&1 </dev/null)
  got=$?
  [ $got = "$code" ] || fail "mainstay $*: exit $got, not $code: $out"
  grep -qE -- "$pattern" <<<"$out" || fail "mainstay $*: no line matches \"$pattern\" in: $out"
  [ "$code" != 1 ] || [ -n "${several:-}" ] || [ "$(wc -l <<<"$out")" = 1 ] || fail "mainstay $*: more than one line: $out"
}
# structured CODE FILTER COMMAND...: -o json is JSON of which the filter is true, on standard output alone, and -o yaml is
# something else.
structured() {
  local code=$1 filter=$2 out got
  shift 2
  out=$("$binary" "$@" -o json 2>/dev/null </dev/null)
  got=$?
  [ $got = "$code" ] || fail "mainstay $* -o json: exit $got, not $code: $out"
  jq -e "$filter" >/dev/null 2>&1 <<<"$out" || fail "mainstay $* -o json: $filter does not hold of: $out"
}

# ---- help and wrong usage -----------------------------------------------------------------------------------------------

commands=$("$binary" --help | awk '/^Subcommands:/ { on = 1; next } on && NF { print $1 }' | grep -vE '^[^a-z]')
for wanted in up server agent plan validate status history diff sync ack rollback why audit backup restore get describe \
              logs events top image token key kubeconfig version; do
  grep -qx "$wanted" <<<"$commands" || fail "there is no command $wanted in: $commands"
done
for command in $commands "image import" "image list" "token create" "token list" "token revoke" "key list" "key rotate"; do
  says 0 'Usage|--help' $command --help
done
says 2 'subcommand' # none
says 2 'there is no command "nosuch"' nosuch
says 2 'did you mean "status"' statsu
says 2 'nosuch' status --nosuch
says 2 'xml' get pods -o xml
says 2 'required' validate
says 2 'required' rollback root
says 1 'not there yet' top
says 0 '^mainstay [0-9]' version
structured 0 '.version' version

# ---- without a server -----------------------------------------------------------------------------------------------------

cat >"$work/bad.yaml" <<YAML
listen: 127.0.0.1:0
aplication:
  path: x
application:
  prune: perhaps
YAML
several=yes says 1 'bad.yaml:2:1: .*did you mean' server --config "$work/bad.yaml"
several=yes says 1 'bad.yaml:5:10: .*application.prune' server --config "$work/bad.yaml"
says 1 'cannot read the configuration file /nowhere' server --config /nowhere --data-dir "$work/none"
says 1 'no address:port' server --listen nonsense --data-dir "$work/none"
several=yes says 1 '--server is missing' agent
several=yes says 1 'certificate is needed' agent --server https://127.0.0.1:1 --data-dir "$work/none-agent" --run-dir "$work/none-run" --runtime simulated
says 1 'there is no kubeconfig at /nowhere|cannot read /nowhere' get pods --kubeconfig /nowhere
KUBECONFIG=$work/also-not says 1 'no kubeconfig at .*also-not' get pods
mkdir "$work/folder"
says 1 'cannot read .*folder: Is a directory' get pods --kubeconfig "$work/folder"
echo 'nonsense: [' >"$work/broken"
several=yes says 1 'no kubeconfig.*broken:' get pods --kubeconfig "$work/broken"
echo 'clusters: []' >"$work/empty"
says 1 'empty names no cluster' get pods --kubeconfig "$work/empty"
says 1 'there is no .*none/kubeconfig: has the server been started' kubeconfig --data-dir "$work/none"
says 1 'there is no database at' audit --data-dir "$work/none"
says 1 'there is no database at' backup --data-dir "$work/none" "$work/backup"
says 1 'there is no /nowhere' restore --data-dir "$work/none" /nowhere
echo 'limits: {nodeGrace: 8s}' >"$work/grace.yaml"
says 1 'grace.yaml:1:.*limits.nodeGrace.*at least 15s' server --config "$work/grace.yaml" --data-dir "$work/none"
echo 'network: {podCIDR: 10.96.0.0/15}' >"$work/overlap.yaml"
says 1 'network.podCIDR 10.96.0.0/15 and network.serviceCIDR 10.96.0.0/16 overlap' \
  server --config "$work/overlap.yaml" --data-dir "$work/none"
[ ! -e "$work/none" ] || fail "a refused configuration leaves a data directory"
says 0 '^mainstay 0' --version
says 1 'there is no .*/web.tar' image import web.tar --data-dir "$work/none"
says 1 'there is no /nowhere' image import /nowhere --data-dir "$work/none"
says 1 'has an agent run here' image list --data-dir "$work/none"
says 1 'there is no /nowhere' validate /nowhere
says 1 'ttl' token create --ttl soon --kubeconfig "$work/empty"
[ ! -e "$work/none" ] || [ -z "$(ls "$work/none")" ] || fail "a failed command left something: $(ls "$work/none")"

# ---- plan and validate ------------------------------------------------------------------------------------------------

repo_init
cp examples/shop/*.yaml "$repo/"
head=$(commit "the shop") || exit 1
first=$head
sed -i 's/replicas: 3/replicas: 2/' "$repo/web.yaml"
second=$(commit "two replicas") || exit 1
says 0 'objects in .* files are valid' validate "$repo"
structured 0 '.valid and .objects > 3 and .findings == []' validate "$repo"
sed 's/replicas: 2/replicas: many/' "$repo/web.yaml" >"$work/wrong.yaml"
says 1 'wrong.yaml:[0-9]+:[0-9]+: error: spec.replicas' validate "$work/wrong.yaml"
structured 1 '(.valid | not) and .findings[0].line > 1 and .findings[0].path == "spec.replicas"' validate "$work/wrong.yaml"
cp -r "$repo" "$work/tree"
cp "$repo/web.yaml" "$work/tree/again.yaml"
ln -s web.yaml "$work/tree/link.yaml"
several=1 says 1 'web.yaml:[0-9]+:1: error: Deployment shop/web is declared twice; the other is .*again.yaml:[0-9]+' validate "$work/tree"
several=1 says 1 'link.yaml: error: is a symbolic link, which is never followed .commit the file itself' validate "$work/tree"
structured 1 '(.valid | not) and any(.findings[]; .message | startswith("is a symbolic link"))' validate "$work/tree"
says 0 'objects in 1 files are valid' validate "$work/tree/link.yaml"
says 2 'Deployment shop/web' plan --repo "$repo"
structured 2 'type == "object"' plan --repo "$repo"
says 0 '' plan --repo "$repo" --from HEAD --to HEAD
says 2 'web' plan --repo "$repo" -o markdown
says 1 'nosuch' plan --repo "$repo" --to nosuch
says 1 '/nowhere' plan --repo /nowhere
says 1 'nopath' plan --repo "$repo" --path nopath
# What the objects of the commit before say is told together with what is wrong in the files.
sed -i 's/app: web/app: shop/' "$repo/web.yaml"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd, namespace: shop}\ndatum: {}\n' >"$repo/odd.yaml"
commit "two mistakes of different kinds" >/dev/null || exit 1
several=1 says 1 'odd.yaml:4:1: error: datum: unknown field' plan --repo "$repo"
several=1 says 1 'web.yaml:[0-9]+:[0-9]+: error: spec.selector: Deployment shop/web: .* field is immutable' plan --repo "$repo"
git -C "$repo" reset -q --hard "$second"

# ---- with a server ----------------------------------------------------------------------------------------------------

serve up --runtime simulated --nodes 2 --repo "$repo" --branch main --data-dir "$data" --listen 127.0.0.1:0 --app shop-app
wait_until 60 "Synced and Healthy" app_is Synced Healthy "$second"
export KUBECONFIG=$kubeconfig
says 1 'locked|another|in use|busy' server --data-dir "$data" --listen 127.0.0.1:0

says 0 "shop-app: Synced, Healthy at ${second:0:10}" status
says 0 'shop-app: Synced' status shop-app
says 1 'applications.argoproj.io "nosuch" not found' status nosuch
structured 0 '.items[0].metadata.name == "shop-app"' status
structured 0 '.metadata.name == "shop-app"' status shop-app
says 0 "${second:0:10} .*rolled out" history
structured 0 '.items[0].commit' history shop-app
says 1 'nosuch' history nosuch
says 0 'are as commit' diff
structured 0 '.items == []' diff
says 1 'nosuch' diff nosuch
says 1 'nosuch' sync nosuch
says 1 '0000000' rollback shop-app 0000000
says 1 '.' ack shop-app 0000000
structured 0 '.accepted' sync shop-app
says 0 '^web +2/2' get deploy web -n shop
says 0 '^shop +web-' get pods -A
says 0 'INTERNAL-IP' get nodes -o wide
says 0 '^deployment.apps/web$' get deployments -n shop -o name
says 0 '^web' get deploy/web -n shop
structured 0 '.items | length > 1' get pods -n shop
structured 0 '.spec.replicas == 2' get deploy web -n shop
says 0 'replicas: 2' get deploy web -n shop -o yaml
says 0 '^web-' get pods -n shop -l app=web
says 1 'resource type "nosuch"' get nosuch
says 1 'pods "nosuch" not found' get pod nosuch
says 1 'all namespaces' get pod web -A
says 0 'No resources found' get pods -n nowhere
says 0 'GREETING' describe configmap web -n shop
says 0 'token: .*16 bytes' describe secret web -n shop
structured 0 '.object.kind == "Deployment" and (.events | length) > 0' describe deployment web -n shop
says 1 'which one' describe pods
says 1 'simulated containers write no log' logs "$(ms get pods -n shop -o name | sed -n 's#^pod/\(web-.*\)#\1#p' | head -n 1)" -n shop
says 1 'pods "nosuch" not found' logs nosuch
says 0 'Scheduled' events -n shop
structured 0 '.items[0].reason' events -A
pod=$(ms get pods -n shop -o name | grep -m 1 /web-)
says 0 'Declared at web.yaml:[0-9]+, commit' why "$pod" -n shop
structured 0 '.phase == "Running" and .chain[2].declared.path == "web.yaml"' why "$pod" -n shop
says 0 'Container web: running' why "$pod" -n shop
says 0 'Normal +Scheduled +[0-9]+s +Success' why "$pod" -n shop
says 0 'Node' why node/node-1
says 1 'not found' why nosuch
says 1 'resource type' why nosuch/x
structured 0 '.clusters[0].cluster.server' kubeconfig --data-dir "$data"
says 0 'current-context: mainstay' kubeconfig --data-dir "$data"
says 0 'every rule holds' audit --data-dir "$data"
structured 0 '.findings == [] and .version > 1' audit --data-dir "$data"
says 0 'is written' backup --data-dir "$data" "$work/backup.db"
says 1 'exist|already' backup --data-dir "$data" "$work/backup.db"
structured 0 '.keyFile' backup --data-dir "$data" "$work/backup2.db"
says 1 'another|in use|busy|run' restore --data-dir "$data" "$work/backup.db"
structured 0 '.token' token create
structured 0 '.items[0].id and .nodes[0].node == "node-1"' token list
structured 0 '.serviceAccounts[0].signs' key list
says 1 'no join token nosuch' token revoke nosuch
says 1 'node nosuch has no credential' token revoke node/nosuch
says 2 'nosuch' key rotate nosuch

# ---- a kubeconfig that does not fit ------------------------------------------------------------------------------------

sed 's/token: .*/token: wrong/' "$kubeconfig" >"$work/stranger"
says 1 'does not know the token in .*stranger' status --kubeconfig "$work/stranger"
"$binary" server --data-dir "$work/other" --listen 127.0.0.1:0 >"$work/other.log" 2>&1 &
other=$!
helper_pids+=("$other")
wait_until 30 "another server" test -s "$work/other/kubeconfig"
sed "s#server: .*#server: $server_url#" "$work/other/kubeconfig" >"$work/misfit"
says 1 'is not the server of .*misfit' status --kubeconfig "$work/misfit"
sed "/certificate-authority-data/d; s#^    server:#    certificate-authority: $data/pki/ca.crt\n    server:#" "$kubeconfig" >"$work/by-file"
says 0 'shop-app' status --kubeconfig "$work/by-file"
sed "s#^current-context: .*#current-context: nosuch#" "$kubeconfig" >"$work/contextless"
says 1 'no context "nosuch"' status --kubeconfig "$work/contextless"
stop_process "$other" TERM
stop_process "$server_pid" TERM
server_pid=''
says 1 'cannot reach .*is `mainstay server` running' status
says 1 'cannot reach' logs x
structured 0 '.version > 1 and .kept != ""' restore --data-dir "$data" "$work/backup.db"
echo "every command: help, exit codes, JSON, and a sentence for what is wrong"
echo passed
