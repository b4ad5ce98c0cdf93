#!/bin/bash
# Tokens, credentials and keys over their lives, with simulated nodes: a credential that lives seconds is renewed while
# its agent is killed again and again; revoking and deleting a node; join tokens; keys are rotated.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. scripts/cluster.sh
need_program jq
cluster_begin

token() { "$binary" token "$@" --kubeconfig "$kubeconfig" 2>>"$work/client.log"; }
key() { "$binary" key "$@" --kubeconfig "$kubeconfig" 2>>"$work/client.log"; }
node_is() { [ "$(ms get nodes | awk -v n="$1" '$1 == n { print $2 }')" = "$2" ]; }
agent() {
  "$binary" agent --server "$server_url" --ca-file "$data/pki/ca.crt" --token-file "$work/join-token" --name node-a \
    --runtime simulated --data-dir "$agent_data" >>"$work/agent.log" 2>&1 &
  agent_pid=$!
}
credential() { sha256sum <"$agent_data/credential" | cut -c1-64; }
log_says() { grep -q "$1" "$work/agent.log"; }

cat >"$work/server.yaml" <<YAML
limits:
  nodeCredentialLife: 4s
YAML
serve server --config "$work/server.yaml" --data-dir "$data" --listen 127.0.0.1:0

# ---- join tokens ------------------------------------------------------------------------------------------------------

token create --ttl 1h --description "rack 7" >"$work/join-token" || fail "token create"
secret=$(cat "$work/join-token")
id=${secret#join-} id=${id%%.*}
token list >"$work/tokens.txt"
grep -q "^$id .*rack 7" "$work/tokens.txt" || fail "token list: $(cat "$work/tokens.txt")"
grep -q "${secret#*.}" "$work/tokens.txt" && fail "token list shows a secret"
[ "$(token list -o json | jq -r '.items[0].id')" = "$id" ] || fail "token list -o json"
grep -rqs "${secret#*.}" "$data" && fail "the secret of a join token stands in the data directory"
token create --ttl 1s >"$work/short" || fail "token create --ttl 1s"
sleep 1.2
[ "$(token list -o json | jq '.items | length')" = 1 ] || fail "an expired token is listed"
"$binary" agent --server "$server_url" --ca-file "$data/pki/ca.crt" --token-file "$work/short" --name node-b \
  --runtime simulated --data-dir "$work/node-b" >"$work/late.txt" 2>&1 && fail "an expired token lets a node join"
grep -q 'not known here, or has ended' "$work/late.txt" || fail "an expired token: $(cat "$work/late.txt")"
echo "join tokens are listed without their secret, and end"

# ---- a node's credential is renewed, and the agent dies meanwhile ---------------------------------------------------

agent
wait_until 30 "node-a is Ready" node_is node-a Ready
"$binary" agent --remove-network --data-dir "$agent_data" >"$work/remove.txt" 2>&1 &&
  fail "the network is taken away under an agent that runs"
grep -q "process $agent_pid.*stop it first" "$work/remove.txt" || fail "--remove-network: $(cat "$work/remove.txt")"
process_lives "$agent_pid" || fail "--remove-network ended the agent"
first=$(credential)
for round in {1..12}; do
  sleep "0.$((RANDOM % 8 + 1))"
  kill -9 "$agent_pid" 2>/dev/null
  wait "$agent_pid" 2>/dev/null
  agent
done
sleep 5  # longer than any credential of before lives
renewed() { [ "$(credential)" != "$first" ]; }
wait_until 20 "the credential is renewed" renewed
wait_until 20 "node-a is Ready after twelve deaths" node_is node-a Ready
log_says 'joined again' && fail "the agent lost its credential and had to join again: $(cat "$work/agent.log")"
log_says 'the control plane answered 401' && fail "a request was refused: $(grep 401 "$work/agent.log" | head -n 3)"
grep -qs "$(cat "$agent_data/credential")" "$data/tokens.json" && fail "the credential stands in the server's file"
second=$(credential)
again() { [ "$(credential)" != "$second" ]; }
wait_until 20 "the credential is renewed again" again
echo "a node's credential is renewed before it ends; twelve deaths of the agent lose none"

# ---- revoked, expired, deleted ----------------------------------------------------------------------------------------

token revoke node/node-a >/dev/null || fail "token revoke node/node-a"
wait_until 20 "the agent says that it was revoked" log_says 'credential of node node-a was revoked on .*mainstay token create'
kill -0 "$agent_pid" || fail "the agent has ended"
token revoke "$id" >/dev/null || fail "token revoke"
"$binary" token revoke "$id" --kubeconfig "$kubeconfig" >"$work/revoke.txt" 2>&1 && fail "revoked twice"
grep -q "there is no join token $id" "$work/revoke.txt" || fail "revoked twice: $(cat "$work/revoke.txt")"
token create >"$work/join-token" || fail "token create"
wait_until 20 "the agent joins again with a new token" log_says 'joined again'
wait_until 20 "node-a is Ready again" node_is node-a Ready
kill -STOP "$agent_pid"
sleep 5
kill -CONT "$agent_pid"
wait_until 20 "the agent says that its credential has ended" log_says 'credential of node node-a ended on '
token create >"$work/join-token" || fail "token create"
wait_until 20 "node-a is Ready after its credential had ended" node_is node-a Ready

api() {
  curl -s --noproxy '*' --cacert "$data/pki/ca.crt" -H "Authorization: Bearer $(cat "$data/admin.token")" \
    -H 'Content-Type: application/json' "$@"
}
api -o /dev/null -d '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"default"},"spec":{
  "terminationGracePeriodSeconds":0,"containers":[{"name":"c","image":"i"}]}}' \
  "$server_url/api/v1/namespaces/default/pods"
pod_is_running() { [ "$(ms get pods | awk 'NR == 2 { print $3 }')" = Running ]; }
wait_until 30 "a pod runs" pod_is_running
has_pods() { jq -e '.pods | length > 0' "$agent_data/assignment.json" >/dev/null 2>&1; }
api -o /dev/null -X DELETE "$server_url/api/v1/nodes/node-a"
wait_until 20 "the agent is told that its node was deleted" log_says 'node was deleted from the cluster; its pods end'
sleep 2
[ -z "$(ms get nodes | grep node-a)" ] || fail "a deleted node has come back by itself"
has_pods && fail "the agent of a deleted node keeps its pods"
kill -9 "$agent_pid"
wait "$agent_pid" 2>/dev/null
agent  # the token is still good: to start an agent with it is to join
wait_until 20 "node-a joins again" node_is node-a Ready
stop_process "$agent_pid" TERM
agent_pid=''
echo "a revoked, an expired and a deleted node say what happened, and join again with a token"

# ---- keys -------------------------------------------------------------------------------------------------------------

api -o /dev/null -d '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"default"},
  "stringData":{"word":"open sesame"}}' "$server_url/api/v1/namespaces/default/secrets"
sa_token=$(api -d '{}' "$server_url/api/v1/namespaces/default/serviceaccounts/default/token" | jq -r .status.token)
as_account() { curl -s --noproxy '*' --cacert "$data/pki/ca.crt" -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $sa_token" "$server_url/openid/v1/jwks"; }
[ "$(as_account)" = 200 ] || fail "a ServiceAccount's token is not taken"
before=$(sha256sum <"$data/pki/secrets.key")
key rotate secrets | grep -q '^[1-9][0-9]* ' || fail "key rotate secrets"
[ "$before" != "$(sha256sum <"$data/pki/secrets.key")" ] || fail "the key file is the old one"
key rotate service-accounts >/dev/null || fail "key rotate service-accounts"
[ "$(key list -o json | jq '.serviceAccounts | length')" = 2 ] || fail "key list: $(key list)"
[ "$(as_account)" = 200 ] || fail "a token of the key before is not taken"
stop_process "$server_pid" TERM
serve server --config "$work/server.yaml" --data-dir "$data" --listen 127.0.0.1:0
[ "$(as_account)" = 200 ] || fail "a token of the key before is not taken after a restart"
[ "$(ms get secret s -o json | jq -r '.data.word | @base64d')" = "open sesame" ] || fail "the Secret cannot be read"
key rotate service-accounts --forget-old >/dev/null || fail "key rotate service-accounts --forget-old"
[ "$(as_account)" = 401 ] || fail "a token of a forgotten key is taken"
strings "$data/mainstay.db" 2>/dev/null | grep -q sesame && fail "the Secret stands readable in the database"
stop_process "$server_pid" TERM
server_pid=''
"$binary" audit --data-dir "$data" >"$work/audit.log" 2>&1 || fail "the audit finds something"
echo "keys of Secrets and of ServiceAccounts' tokens are rotated while the server runs"
echo passed
