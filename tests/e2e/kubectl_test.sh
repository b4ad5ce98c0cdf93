#!/bin/bash
# The unmodified kubectl against a server with two simulated nodes: what it prints when it reads, and what happens when it
# writes. The oldest and the newest that are there; with MAINSTAY_KUBECTL=all all of them, else those it names, separated by
# spaces. 1.20 is the oldest known to work.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin:/sbin
. scripts/cluster.sh
need_program git
cluster_begin

# The kubectls to test with: those on PATH, and beside the program that one there leads to: by that name, or with a version in it;
# each program once. A dispatcher runs one of the others.
kubectls() {
  local wanted=${MAINSTAY_KUBECTL:-} dir file
  [ -z "$wanted" ] || [ "$wanted" = all ] || { printf '%s\n' $wanted; return; }
  for dir in ${PATH//:/ } "$(dirname "$(realpath "$(command -v kubectl)" 2>/dev/null)" 2>/dev/null)"; do
    for file in "$dir"/kubectl "$dir"/kubectl[-_.v0-9]*; do
      [ -x "$file" ] && [[ ${file##*/} =~ ^kubectl([-_.]?v?[0-9.]+)?$ ]] && realpath "$file"
    done
  done | sort -uV | while read -r file; do
    "$file" version --client 2>/dev/null | grep -q dispatcher || echo "$file"
  done | if [ "$wanted" = all ]; then cat; else sed -n '1p;1!{$p}'; fi
}

k() { "$kubectl" --kubeconfig "$kubeconfig" --cache-dir "$work/cache-$number" -n "$ns" "$@"; }

# expect PATTERN COMMAND...: the command succeeds and prints a line that matches.
expect() {
  local pattern=$1 out
  shift
  out=$("$@" 2>&1) || fail "$version: $*: exit $?: $out"
  grep -qE -- "$pattern" <<<"$out" || fail "$version: $*: no line matches \"$pattern\" in: $out"
}
# refuse PATTERN COMMAND...: the command fails and says so.
refuse() {
  local pattern=$1 out
  shift
  out=$("$@" 2>&1) && fail "$version: $*: succeeded, but should not: $out"
  grep -qE -- "$pattern" <<<"$out" || fail "$version: $*: no line matches \"$pattern\" in: $out"
}

has_endpoints() { k describe service "$1" -n shop | grep -qE 'Endpoints: +10\.'; }

deployment_yaml() {
  cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $1
  labels: {app: $1}
spec:
  replicas: $2
  selector:
    matchLabels: {app: $1}
  template:
    metadata:
      labels: {app: $1}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: main
          image: ${3:-example/app:v1}
YAML
}

read_commands() {
  expect '^NAME +STATUS +ROLES +AGE +VERSION' k get nodes
  expect '^node-1 +Ready ' k get nodes
  expect '^node-2 +Ready .*INTERNAL-IP|^node-2 +Ready .*10\.255\.255\.2' k get nodes -o wide
  expect '^default +Active ' k get namespaces
  expect '^mainstay +root +Synced +Healthy' k get applications -A
  expect '^NAME +READY +UP-TO-DATE +AVAILABLE +AGE' k get deployments -n shop
  expect '^web +3/3 +3 +3 ' k get deploy web -n shop
  expect '^web-[^ ]+ +1/1 +Running +0 ' k get pods -n shop
  expect ' node-[12] ' k get pods -n shop -o wide
  expect '^shop +web-' k get pods -A
  expect '^web-' k get pods -n shop -l app=web
  refuse 'NotFound|not found' k get pod no-such-pod -n shop
  expect 'No resources found' k get pods -n shop -l app=nothing
  expect '^  replicas: 3$' k get deployment web -n shop -o yaml
  expect '^3$' k get deployment web -n shop -o 'jsonpath={.spec.replicas}'
  expect '^deployment.apps/web$' k get deployments -n shop -o name
  if [ "$minor" -ge 27 ]; then  # before, explain reads OpenAPI v2, which has no schemas here
    expect '^ +replicas\s+<integer>' k explain deployment.spec
    expect '^FIELD: +livenessProbe <Probe>|^RESOURCE: +livenessProbe <Probe>' k explain pod.spec.containers.livenessProbe
    expect '^ +backoffLimit\s+<integer>' k explain job.spec
    expect 'Not supported yet: a manifest that asks for it is refused' k explain pod.spec.runtimeClassName
    expect 'Kept and served here, but nothing follows from it' k explain job
    expect '^ +fieldsV1\s+<FieldsV1>|^ +fieldsV1\s+<' k explain deployment --recursive
    expect '^Username +admin' k auth whoami
  fi
  expect '^web +ClusterIP +10\.96\.' k get svc -n shop
  expect '^web-[^ ]+ +IPv4 +8080' k get endpointslices -n shop
  expect '^web +1 ' k get configmap -n shop
  expect '^web +Opaque +1 ' k get secrets -n shop
  expect '^deployment.apps/web ' k get all -n shop
  expect '^pods +po ' k api-resources
  expect 'Server Version.*v1\.' k version
  expect 'GREETING' k describe configmap web -n shop
  expect 'Replicas: +3 desired' k describe deployment web -n shop
  expect 'Normal +Scheduled ' k describe pod -n shop -l app=web
  expect 'Capacity' k describe node node-1
  expect 'Type: +Opaque' k describe secret web -n shop
  expect 'token: +16 bytes' k describe secret web -n shop
  expect 'SuccessfulCreate' k get events -n shop
  [ "$minor" -lt 26 ] || expect 'SuccessfulCreate' k events -n shop
  expect '^yes' k auth can-i get pods
  expect '^\*\.\* ' k auth can-i --list
  expect 'apps/v1' k api-versions
  expect 'control plane' k cluster-info
  expect 'store ok' k get --raw '/readyz?verbose'
  expect 'pod-template-hash=' k get pods -n shop --show-labels
  expect 'APP' k get pods -n shop -L app
  expect '^web-[^ ]+ +Running' k get pods -n shop --sort-by=.metadata.name -o custom-columns=N:.metadata.name,P:.status.phase
  expect '^web-' k get pods -n shop --chunk-size=1
  expect '^shop ' k get pods -A --field-selector=status.phase=Running
  refuse 'field label not supported' k get pods -A --field-selector=nonsense=1
  expect 'ScalingReplicaSet' k get events -n shop --sort-by=.lastTimestamp
  expect 'kubelet, node-' k get events -n shop -o wide
  expect 'Service Account|^Name: +default' k describe serviceaccount default -n shop
  expect 'Status: +Active' k describe namespace shop
  expect 'Selector: +app=web' k describe service web -n shop
  # Ports without a name: kubectl from 1.31 on relies on a name that is there and empty.
  expect 'service/nameless' k expose deployment web -n shop --name nameless --port 80
  wait_until 10 "endpoints of a port without a name" has_endpoints nameless
  expect 'deleted' k delete service nameless -n shop
  expect 'Pods Status: +3 Running' k describe replicaset -n shop -l app=web
  expect 'Holder Identity|node-1' k describe lease node-1 -n kube-node-lease
  expect 'Sync|Health' k describe application root -n mainstay
  refuse 'simulated containers write no log' k logs deployment/web -n shop
  refuse 'resource type "nosuch"' k get nosuch
}

# Fields that others set, other kinds of patches, looking before doing.
further_writes() {
  deployment_yaml app 3 >"$work/app.yaml"
  deployment_yaml app 2 >"$work/app2.yaml"
  expect 'deployment.apps/app' k apply -f "$work/app.yaml"
  expect '^\+ +replicas: 2|^-  replicas: 3' differs k diff -f "$work/app2.yaml"
  expect 'server dry run' k apply -f "$work/app2.yaml" --dry-run=server
  expect 'green' k create configmap dry --from-literal=colour=green --dry-run=server -o yaml
  refuse 'not found' k get configmap dry
  expect 'serverside-applied' k apply --server-side --force-conflicts -f "$work/app2.yaml"
  expect '^2$' k get deployment app -o 'jsonpath={.spec.replicas}'
  printf '#!/bin/sh\nsed -i "s/replicas: 2/replicas: 1/" "$1"\n' >"$work/editor.sh"
  chmod +x "$work/editor.sh"
  expect 'edited' env KUBE_EDITOR="$work/editor.sh" "$kubectl" --kubeconfig "$kubeconfig" -n "$ns" edit deployment app
  expect '^1$' k get deployment app -o 'jsonpath={.spec.replicas}'
  expect 'patched' k patch deployment app --type=json -p '[{"op":"replace","path":"/spec/replicas","value":2}]'
  refuse 'invalid' k patch deployment app --type=json -p '[{"op":"test","path":"/spec/replicas","value":9}]'
  expect 'scaled' k scale deployment app --replicas=3 --current-replicas=2
  refuse 'Expected replicas to be 7, was 3' k scale deployment app --replicas=4 --current-replicas=7
  expect 'env updated' k set env deployment/app A=c
  expect 'paused' k rollout pause deployment/app
  expect 'resumed' k rollout resume deployment/app
  expect 'successfully rolled out' k rollout status deployment/app --timeout=60s
  expect 'rolled back' k rollout undo deployment/app
  expect 'successfully rolled out' k rollout status deployment/app --timeout=60s
  refuse 'overwrite' k label deployment app app=other
  expect 'unlabeled|labeled' k label deployment app tier-
  expect 'tainted' k taint node node-2 k=v:NoSchedule
  expect 'untainted' k taint node node-2 k-
  drain_within_budget
  expect 'drained|evicted' k drain node-2 --ignore-daemonsets --force --timeout=60s
  expect 'No resources found' k get pods -A --field-selector=spec.nodeName=node-2
  expect 'uncordoned' k uncordon node-2
  expect 'exposed' k expose deployment app --port=80
  expect 'pod/one created' k run one --image=example/one:v1
  expect 'condition met' k wait pod/one --for=condition=Ready --timeout=30s
  expect 'replaced' k replace -f "$work/app.yaml"
  expect '"one" deleted' k delete pod one --now
  [ "$minor" -lt 24 ] || expect '^eyJ' k create token default
  refuse 'namespaces "nowhere" not found' "$kubectl" --kubeconfig "$kubeconfig" -n nowhere create -f "$work/app.yaml"
}
# A drain waits as long as a disruption budget keeps what runs on the node.
drain_within_budget() {
  cat >"$work/budget.yaml" <<YAML
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: app}
spec:
  minAvailable: 100%
  selector: {matchLabels: {app: app}}
YAML
  expect 'poddisruptionbudget.policy/app created' k apply -f "$work/budget.yaml"
  expect '^app +100% +N/A +0 ' k get pdb app
  [ "$minor" -lt 21 ] || expect 'Allowed disruptions: +0' k describe pdb app
  refuse "violate the pod's disruption budget" k drain node-2 --ignore-daemonsets --force --timeout=2s
  expect 'SchedulingDisabled' k get node node-2
  expect 'deleted' k delete pdb app
}
# diff says with 1 that something differs.
differs() { "$@"; [ $? = 1 ]; }

write_commands() {
  expect "namespace/$ns created" k create namespace "$ns"
  refuse 'AlreadyExists|already exists' k create namespace "$ns"
  deployment_yaml app 2 >"$work/app.yaml"
  expect 'deployment.apps/app created' k create -f "$work/app.yaml"
  expect 'successfully rolled out' k rollout status deployment/app --timeout=60s
  expect 'condition met' k wait --for=condition=Available deployment/app --timeout=60s
  expect 'condition met' k wait --for=condition=Ready pod -l app=app --timeout=60s
  expect 'deployment.apps/app (configured|unchanged)' k apply -f "$work/app.yaml"
  deployment_yaml app 3 >"$work/app.yaml"
  expect 'deployment.apps/app configured' k apply -f "$work/app.yaml"
  expect '^3$' k get deployment app -o 'jsonpath={.spec.replicas}'
  expect 'deployment.apps/app unchanged' k apply -f "$work/app.yaml"
  deployment_yaml second 1 >"$work/second.yaml"
  expect 'deployment.apps/second created' k apply -f "$work/second.yaml"
  expect 'configmap/settings created' k create configmap settings --from-literal=colour=green
  expect '^green$' k get configmap settings -o 'jsonpath={.data.colour}'
  expect 'secret/hidden created' k create secret generic hidden --from-literal=word=open
  expect 'deployment.apps/app scaled' k scale deployment app --replicas=4
  expect 'successfully rolled out' k rollout status deployment/app --timeout=60s
  expect '^app +4/4 ' k get deployment app
  expect 'patched' k patch deployment app --type=merge -p '{"spec":{"replicas":2}}'
  expect 'patched' k patch deployment app -p '{"spec":{"template":{"spec":{"containers":[{"name":"main","env":[{"name":"A","value":"b"}]}]}}}}'
  expect '^example/app:v1 b$' k get deployment app -o 'jsonpath={.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].value}'
  expect 'successfully rolled out' k rollout status deployment/app --timeout=60s
  expect 'image updated' k set image deployment/app main=example/app:v2
  expect 'successfully rolled out' k rollout status deployment/app --timeout=60s
  expect 'restarted' k rollout restart deployment/app
  expect 'successfully rolled out' k rollout status deployment/app --timeout=60s
  expect '^[0-9]+ ' k rollout history deployment/app
  expect 'labeled' k label deployment app tier=front
  expect '^app ' k get deployments -l tier=front
  expect 'annotated?$' k annotate deployment app note=hello
  expect 'node/node-2 cordoned' k cordon node-2
  expect '^node-2 +Ready,SchedulingDisabled' k get nodes
  expect 'node/node-2 uncordoned' k uncordon node-2
  refuse 'spec\.replicas|Invalid|invalid|unknown|cannot unmarshal|expected' k patch deployment app --type=merge -p '{"spec":{"replicas":"many"}}'
  refuse 'metadata\.name|Invalid|invalid' k create configmap Not_A_Name
}

service_yaml() {
  printf 'apiVersion: v1\nkind: Service\nmetadata: {name: front}\nspec:\n  type: NodePort\n'
  printf '%s\n' "$2" "  ports: [{name: http, port: $1}]"
}

# A Service keeps its addresses, whatever writes it again and leaves them open or clears them.
service_writes() {
  service_yaml 80 '  clusterIP: ""' >"$work/front.yaml"
  expect 'service/front created' k apply -f "$work/front.yaml"
  local kept
  kept=$(k get service front -o 'jsonpath={.spec.clusterIP} {.spec.clusterIPs} {.spec.ports[0].nodePort}')
  expect 'service/front (configured|unchanged)' k apply -f "$work/front.yaml"
  expect 'serverside-applied' k apply --server-side --force-conflicts -f "$work/front.yaml"
  expect 'patched' k patch service front -p '{"spec":{"clusterIP":""}}'
  service_yaml 81 '  clusterIP: ""' >"$work/front.yaml"
  expect 'service/front configured' k apply -f "$work/front.yaml"
  service_yaml 82 '' >"$work/front.yaml"
  expect 'service/front replaced' k replace -f "$work/front.yaml"
  expect "^82 ${kept//[\[\]]/.}\$" k get service front \
    -o 'jsonpath={.spec.ports[0].port} {.spec.clusterIP} {.spec.clusterIPs} {.spec.ports[0].nodePort}'
  refuse 'spec.clusterIPs\[0\]: Invalid value: .*: may not change once set' \
    k patch service front -p '{"spec":{"clusterIP":"10.96.0.99"}}'
}

watch_command() {
  k get pods -l app=app -w >"$work/watch.out" 2>&1 &
  local watch=$!
  helper_pids+=("$watch")
  wait_until 20 "$version: the watch begins" grep -q '^app-' "$work/watch.out"
  local pod
  pod=$(k get pods -l app=app -o 'jsonpath={.items[0].metadata.name}')
  expect "pod \"$pod\".* deleted" k delete pod "$pod" --grace-period=0 --force
  wait_until 30 "$version: the watch shows a new pod" watch_shows_new_pod
  kill "$watch" 2>/dev/null
  wait "$watch" 2>/dev/null
  expect 'successfully rolled out' k rollout status deployment/app --timeout=60s
}
watch_shows_new_pod() { [ "$(awk '/^app-/ { print $1 }' "$work/watch.out" | sort -u | wc -l)" -ge 3 ]; }

delete_commands() {
  expect 'deployment.apps "app" deleted' k delete deployment app --timeout=60s
  # Before 1.24 it is an error that there is none any more.
  [ "$minor" -lt 24 ] || expect '' k wait --for=delete pod -l app=app --timeout=60s
  expect 'deployment.apps "second" deleted' k delete -f "$work/second.yaml" --timeout=60s
  expect "namespace \"$ns\" deleted" k delete namespace "$ns" --timeout=60s
  refuse 'NotFound|not found' k get namespace "$ns"
}

# What Git declares is put back.
drift() {
  expect 'scaled' k scale deployment web -n shop --replicas=1
  wait_until 30 "$version: what Git declares is put back" three_again
}
three_again() { [ "$(k get deployment web -n shop -o 'jsonpath={.spec.replicas} {.status.readyReplicas}')" = "3 3" ]; }

repo_init
cp examples/shop/*.yaml "$repo/"
head=$(commit "the shop") || exit 1
serve up --runtime simulated --nodes 2 --repo "$repo" --branch main --data-dir "$data" --listen 127.0.0.1:0
wait_until 60 "Synced and Healthy" app_is Synced Healthy "$head"

number=0
while read -r kubectl; do
  number=$((number + 1)) ns=try-$number
  version=$("$kubectl" version --client 2>/dev/null | grep -oE 'v1\.[0-9]+\.[0-9]+' | head -n 1)
  minor=${version#v1.} minor=${minor%%.*}
  [ -n "$minor" ] || fail "$kubectl does not say its version"
  read_commands
  write_commands
  watch_command
  further_writes
  service_writes
  delete_commands
  drift
  echo "kubectl $version: reads, writes, watches and deletes"
done < <(kubectls)
[ "$number" -gt 0 ] || echo "SKIPPED: there is no kubectl on PATH"
stop_process "$server_pid" TERM
server_pid=''
"$binary" audit --data-dir "$data" >"$work/audit.log" 2>&1 || fail "the audit finds something"
echo passed
