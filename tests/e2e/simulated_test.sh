#!/bin/bash
# Simulated nodes, real everything else: `mainstay up --runtime simulated --nodes 3` follows repositories over git://
# and smart HTTP; they reach Synced and Healthy; an edit, a mistake, a deletion and a revert do what they should; a
# signed webhook makes it sooner. With the public example repositories where they are, and always with examples/.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin:/sbin
. scripts/cluster.sh
for program in git lighttpd curl openssl jq sqlite3; do need_program "$program"; done
cluster_begin
fixtures=${MAINSTAY_SHARED:-/nowhere}/fixtures/repos

# ---- Git servers ----------------------------------------------------------------------------------------------

mkdir -p "$work/served"
git_port=$(free_port)
git daemon --reuseaddr --listen=127.0.0.1 --port="$git_port" --base-path="$work/served" --export-all \
  >"$work/git-daemon.log" 2>&1 &
helper_pids+=($!)

http_port=$(free_port)
cat >"$work/lighttpd.conf" <<CONF
server.modules = ("mod_alias", "mod_cgi", "mod_setenv")
server.document-root = "$work/served"
server.bind = "127.0.0.1"
server.port = $http_port
server.errorlog = "$work/lighttpd.log"
alias.url = ("/git/" => "$(git --exec-path)/git-http-backend/")
\$HTTP["url"] =~ "^/git/" {
  cgi.assign = ("" => "")
  setenv.add-environment = ("GIT_PROJECT_ROOT" => "$work/served", "GIT_HTTP_EXPORT_ALL" => "1")
}
CONF
lighttpd -D -f "$work/lighttpd.conf" >"$work/lighttpd.out.log" 2>&1 &
helper_pids+=($!)

# ---- one scenario -----------------------------------------------------------------------------------------------

# begin_repository NAME FOLDER PATH: a repository with FOLDER's files at PATH, and a bare copy that is served.
begin_repository() {
  name=$1 path=$3
  repo=$work/work-$1
  repo_init
  mkdir -p "$repo/$path"
  cp -r "$2/." "$repo/$path/"
  chmod -R u+w "$repo"
  git init -q --bare -b main "$work/served/$name.git"
  head=$(commit "first") || exit 1
  publish
}
publish() { git -C "$repo" push -q "$work/served/$name.git" main 2>>"$work/git-push.log" || fail "git push of $name"; }
push() { head=$(commit "$1") || exit 1; publish; }

# up URL [ARGUMENTS...]
up() {
  local url=$1
  shift
  data=$work/data-$name kubeconfig=$work/data-$name/kubeconfig
  printf 'source:\n  pollInterval: %s\n' "${poll:-1s}" >"$work/up.yaml"
  serve up --config "$work/up.yaml" --runtime simulated --nodes 3 --repo "$url" --branch main --path "$path" \
    --data-dir "$data" --listen 127.0.0.1:0 "$@"
}
down() {
  stop_process "$server_pid" TERM
  server_pid=''
  "$binary" audit --data-dir "$data" >"$work/audit.log" 2>&1 || fail "$name: the audit finds something"
}
status_json() { ms get applications -n mainstay -o json; }
# deployed NAMESPACE: "name desired ready" of each deployment.
deployed() { ms get deployments -n "$1" -o json | jq -r '.items[] | "\(.metadata.name) \(.spec.replicas) \(.status.readyReplicas // 0)"'; }
all_deployed() { deployed "$1" | awk '$2 != $3 { bad = 1 } END { exit bad || NR == 0 }'; }
nodes_ready() { [ "$(ms get nodes | awk '$2 == "Ready"' | wc -l)" = "$1" ]; }
versions() { ms get "$1" -n "$2" -o json | jq -cS '[.items[] | [.metadata.name, .metadata.uid, .metadata.generation]]'; }
status_says() { ms status | grep -qE "$1"; }
absent() { ! ms get "$@"; }

# scenario NAMESPACE FILE DEPLOYMENT DELETED-FILE DELETED-KIND DELETED-NAME: edit, mistake, delete, revert.
scenario() {
  local ns=$1 file=$repo/$path/$2 deployment=$3 deleted=$repo/$path/$4 kind=$5 gone=$6 first=$head before at
  at=$(now_ms)
  wait_until 60 "$name: three nodes are Ready" nodes_ready 3
  wait_until 90 "$name: first commit is Synced and Healthy" app_is Synced Healthy "$first"
  all_deployed "$ns" || fail "$name is Healthy, but not all replicas are ready: $(deployed "$ns")"
  echo "$name: Synced and Healthy on three simulated nodes, $(status_json | jq '.items[0].status.resources | length') objects"

  sed -i -E '0,/replicas: *[0-9]+/s//replicas: 4/' "$file"
  grep -q 'replicas: 4' "$file" || sed -i -E '0,/^spec:/s//spec:\n  replicas: 4/' "$file"
  push "edit"
  local edited=$head
  wait_until 60 "$name: the edit is rolled out" app_is Synced Healthy "$edited"
  [ "$(deployed "$ns" | awk -v d="$deployment" '$1 == d { print $2, $3 }')" = "4 4" ] ||
    fail "$name: $deployment has not 4 ready replicas: $(deployed "$ns")"
  echo "$name: an edit is rolled out"

  before=$(versions deployments "$ns")$(versions pods "$ns")
  sed -i -e 's/replicas: 4/replicas: many/' "$file"
  echo 'apiVersion: v1
kind: Service
metadata:
  name: Not_A_Name' >"$repo/$path/extra.yaml"
  push "a mistake"
  local bad=$head
  wait_until 60 "$name: the mistake is refused" app_refuses "$bad"
  local said
  said=$(ms status)
  grep -qE "$2:[0-9]+:[0-9]+: .*spec\.replicas" <<<"$said" || fail "$name: no file:line for spec.replicas in: $said"
  grep -qE "extra.yaml:[0-9]+:[0-9]+: " <<<"$said" || fail "$name: the other file's mistakes are missing in: $said"
  [ "$before" = "$(versions deployments "$ns")$(versions pods "$ns")" ] || fail "$name: a refused commit moved something"
  [ "$(status_json | jq -r '.items[0].status.sync.revision')" = "$edited" ] || fail "$name: the applied commit moved"
  echo "$name: a mistake is refused with file and line of every file, and nothing moves"

  git -C "$repo" revert --no-edit "$bad" >/dev/null 2>&1 || fail "git revert"
  rm "$deleted"
  push "delete"
  wait_until 60 "$name: the deletion is rolled out" app_is Synced Healthy "$head"
  wait_until 30 "$name: $kind $gone is gone" absent "$kind" "$gone" -n "$ns"
  echo "$name: what is no longer declared is deleted"

  git -C "$repo" revert --no-commit "$head" "$edited" >/dev/null 2>&1 || fail "git revert"
  git -C "$repo" diff --cached --quiet "$first" -- || fail "the revert does not give the first tree"
  push "revert"
  wait_until 60 "$name: the revert is rolled out" app_is Synced Healthy "$head"
  wait_until 10 "$name: $kind $gone is back" ms get "$kind" "$gone" -n "$ns"
  ms status | grep -q "returns exactly to what commit ${first:0:10} declared" || fail "$name: no word that the set is the first one's: $(ms status)"
  local hashes
  hashes=$(sqlite3 "$data/mainstay.db" "select count(distinct set_hash) from \"commit\" where commit_id in ('$first', '$head')")
  [ "$hashes" = 1 ] || fail "$name: the hash of the desired set differs from the first one's"
  echo "$name: the revert restores the first desired set, hash and all ($(($(now_ms) - at)) ms for the whole)"
}

# ---- examples/, over both transports ------------------------------------------------------------------------------

cp -r examples/shop "$work/shop-and-note"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: note\n  namespace: shop\ndata:\n  text: hello\n' \
  >"$work/shop-and-note/note.yaml"
begin_repository shop "$work/shop-and-note" .
up "git://127.0.0.1:$git_port/shop.git"
scenario shop clock.yaml clock note.yaml configmap note

# So much at once is held until somebody says that it is meant; with its pods it is more than five objects.
rm "$repo/web.yaml"
push "the web goes"
wait_until 60 "shop: the deletion is held" status_says '[0-9]+ held'
sleep 1
ms get deployment web -n shop >/dev/null || fail "shop: what is held was deleted"
"$binary" ack root 0000000 --kubeconfig "$kubeconfig" >"$work/ack.log" 2>&1 && fail "an acknowledgement of another commit is taken"
ms ack root "$head" >/dev/null || fail "mainstay ack"
wait_until 30 "shop: what was held is gone" absent deployment web -n shop
wait_until 30 "shop: Synced and Healthy without it" app_is Synced Healthy "$head"
echo "shop: a large deletion is held until it is acknowledged"
ms rollback root "$(git -C "$repo" rev-parse HEAD~1)" >/dev/null || fail "mainstay rollback"
wait_until 60 "shop: the rollback is rolled out" ms get deployment web -n shop
wait_until 60 "shop: the rollback is Healthy" app_is Synced Healthy "$(git -C "$repo" rev-parse HEAD~1)"
ms sync root >/dev/null || fail "mainstay sync"
wait_until 30 "shop: sync ends the rollback" app_is '[A-Za-z]*' '[A-Za-z]*' "$head"
git -C "$repo" revert --no-commit HEAD >/dev/null 2>&1 || fail "git revert"
push "revert"
wait_until 60 "shop: Synced and Healthy again" app_is Synced Healthy "$head"
echo "shop: rollback holds until sync"
ms history | grep -q "^[0-9]* .*$(git -C "$repo" rev-list --max-parents=0 HEAD | cut -c1-10) .*rolled out" || fail "mainstay history does not go back to the first commit: $(ms history)"
ms diff | grep -q "as commit $head declares" || fail "mainstay diff: $(ms diff)"
"$binary" plan --repo "$repo" --from HEAD~2 --to HEAD >"$work/plan.log" 2>&1
[ $? = 0 ] || fail "mainstay plan over a revert finds a change: $(cat "$work/plan.log")"
"$binary" plan --repo "$repo" --from HEAD~2 --to HEAD~1 >"$work/plan.log" 2>&1
[ $? = 2 ] && grep -q 'Deployment shop/web' "$work/plan.log" || fail "mainstay plan: $(cat "$work/plan.log")"
"$binary" backup --data-dir "$data" "$work/backup.db" >"$work/backup.log" 2>&1 || fail "backup of a running server"
down
"$binary" restore --data-dir "$data" "$work/backup.db" >"$work/restore.log" 2>&1 || fail "restore"
up "git://127.0.0.1:$git_port/shop.git"
wait_until 60 "Synced and Healthy after a restore" app_is Synced Healthy "$head"
echo "shop: backup and restore"
down

begin_repository web examples/shop deploy/shop
up "http://127.0.0.1:$http_port/git/web.git"
wait_until 90 "smart HTTP: Synced and Healthy" app_is Synced Healthy "$head"
echo "web: the same over smart HTTP"
down

# ---- public example repositories -----------------------------------------------------------------------------------

if [ -d "$fixtures" ]; then
  begin_repository guestbook "$fixtures/argocd-example-apps/guestbook" guestbook
  up "git://127.0.0.1:$git_port/guestbook.git"
  scenario default guestbook-ui-deployment.yaml guestbook-ui guestbook-ui-svc.yaml service guestbook-ui
  down

  # As it is, but that its readiness probes wait three minutes before they look for the first time.
  cp -r "$fixtures/argocd-example-apps/sock-shop/base" "$work/sock-shop-base"
  chmod -R u+w "$work/sock-shop-base"
  sed -i 's/initialDelaySeconds: [0-9]*/initialDelaySeconds: 1/' "$work"/sock-shop-base/*.yaml
  begin_repository sock-shop "$work/sock-shop-base" base
  up "http://127.0.0.1:$http_port/git/sock-shop.git"
  scenario default carts-dep.yaml carts user-db-svc.yaml service user-db
  grep -q 'front-end-ingress.yaml.*Ingress is carried' "$work/server.log" || fail "sock-shop: no warning about its Ingress"
  down

  begin_repository voting "$fixtures/example-voting-app/k8s-specifications" k8s-specifications
  up "git://127.0.0.1:$git_port/voting.git"
  scenario default vote-deployment.yaml vote worker-deployment.yaml deployment worker
  down
else
  echo "SKIPPED: the public example repositories are not here (MAINSTAY_SHARED)"
fi

# ---- webhook ----------------------------------------------------------------------------------------------------------

printf 'a-secret-of-this-test' >"$work/webhook-secret"
chmod 600 "$work/webhook-secret"
begin_repository hook examples/shop .
poll=1h up "git://127.0.0.1:$git_port/hook.git" --webhook-listen 127.0.0.1:0 --webhook-secret-file "$work/webhook-secret"
hook_port=$(sed -n 's/.*webhook: listening on port \([0-9]*\).*/\1/p' "$work/server.log" | tail -n 1)
[ -n "$hook_port" ] || fail "the server names no webhook port"
wait_until 90 "hook: Synced and Healthy" app_is Synced Healthy "$head"
# deliver SECRET: a push event signed with it; prints the status code.
deliver() {
  local body='{"ref":"refs/heads/main","repository":{"full_name":"demo/hook"}}' signature
  signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$1" | sed 's/.*= *//')
  curl -s --noproxy '*' -o /dev/null -w '%{http_code}' -H 'X-GitHub-Event: push' -H "X-Hub-Signature-256: sha256=$signature" \
    -H 'Content-Type: application/json' --data-binary "$body" "http://127.0.0.1:$hook_port/"
}
old=$head
sed -i 's/replicas: 3/replicas: 2/' "$repo/web.yaml"
push "two replicas"
code=$(deliver another-secret)
[ "$code" = 401 ] || fail "a webhook with a wrong signature is answered $code, not 401"
code=$(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' -d '{}' "http://127.0.0.1:$hook_port/")
[ "$code" = 401 ] || fail "a webhook without a signature is answered $code, not 401"
sleep 2
[ "$(status_json | jq -r '.items[0].status.sync.revision')" = "$old" ] || fail "an unsigned webhook moved something"
at=$(now_ms)
code=$(deliver a-secret-of-this-test)
[ "$code" = 202 ] || fail "a signed webhook is answered $code, not 202"
wait_until 30 "hook: the webhook's commit is rolled out" app_is Synced Healthy "$head"
echo "hook: refused without the right signature; with it, pushed to Synced and Healthy in $(($(now_ms) - at)) ms"
grep -rqs 'a-secret-of-this-test' "$work/server.log" && fail "the log holds the webhook's secret"
down
echo "passed"
