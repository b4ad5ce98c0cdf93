#include "tests/nodeagent/crash_story.h"

#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>

#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/yaml.h"

namespace mainstay::test {
namespace {

// Read once: the story is told a thousand times.
ObjectPtr object_of(const std::string& yaml) {
  static std::mutex mutex;
  static std::map<std::string, ObjectPtr> known;
  std::lock_guard lock(mutex);
  if (auto found = known.find(yaml); found != known.end()) return found->second;
  Diagnostics diagnostics;
  std::vector<Document> documents = parse_yaml(yaml, diagnostics);
  std::optional<Object> object = decode_object(documents.at(0).root, {}, diagnostics);
  ENSURE(object.has_value(), "the story's manifests are good");
  return known[yaml] = std::make_shared<Object>(std::move(*object));
}

// Its containers note in /shared what happens to them; "end" stands behind every "start", unless one was killed.
constexpr const char* kPod = R"(
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: d, labels: {app: story}}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 20
  initContainers:
    - {name: init, image: IMAGE, imagePullPolicy: Never, command: [sh, -c, "echo init >>/shared/init"],
       volumeMounts: [{name: shared, mountPath: /shared}]}
  containers:
    - name: main
      image: IMAGE
      imagePullPolicy: Never
      ports: [{containerPort: 80, hostPort: 18080}]
      command:
        - sh
        - -c
        - |
          echo start >>/shared/main
          trap 'echo end >>/shared/main; exit 0' TERM
          while :; do
            if [ -e /shared/end ] && [ ! -e /shared/ended ]; then
              touch /shared/ended; echo end >>/shared/main; exit 3
            fi
            sleep 0.02
          done
      lifecycle:
        postStart: {exec: {command: [sh, -c, "echo post >>/shared/post"]}}
        preStop: {exec: {command: [sh, -c, "echo pre >>/shared/pre"]}}
      readinessProbe: {exec: {command: [ls, /shared/main]}, periodSeconds: 1}
      volumeMounts:
        - {name: shared, mountPath: /shared}
        - {name: config, mountPath: /config}
        - {name: config, mountPath: /part, subPath: key}
        - {name: secret, mountPath: /secret}
        - {name: memory, mountPath: /memory}
        - {name: disk, mountPath: /disk}
        - {name: disk, mountPath: /inner, subPath: a/b}
        - {name: all, mountPath: /all}
  volumes:
    - {name: shared, hostPath: {path: SHARED}}
    - {name: config, configMap: {name: c}}
    - {name: secret, secret: {secretName: s, defaultMode: 0400}}
    - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
    - {name: disk, emptyDir: {}}
    - name: all
      projected:
        sources:
          - serviceAccountToken: {path: token, expirationSeconds: 3600}
          - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
)";

std::string filled(std::string text, const std::string& word, const std::string& with) {
  for (size_t at; (at = text.find(word)) != std::string::npos;) text.replace(at, word.size(), with);
  return text;
}

}  // namespace

const std::string& Story::image() {
  static const std::string image = "localhost/mainstay/web:v1";
  return image;
}

uint64_t Story::number() const {
  switch (phase()) {
    case StoryPhase::kStart:
    case StoryPhase::kEnd: return 1;
    case StoryPhase::kUpdate: return 2;
    case StoryPhase::kLeave: return 3;
    default: return 4;
  }
}

Assignment Story::assignment(WallTime now) const {
  Assignment out;
  out.at = {1, number()};
  out.node = "n1";
  out.service_accounts.emplace();
  if (out.at.number == 4) return out;
  std::string value = out.at.number == 1 ? "one" : "two";
  out.config_maps = {object_of("{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: d}, data: {key: " +
                               value + "}}")};
  out.secrets = {object_of(
      "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: d}, stringData: {password: hidden}}")};
  std::string text = filled(filled(kPod, "IMAGE", image()), "SHARED", shared_);
  auto pod = std::make_shared<Object>(*object_of(text));
  pod->meta.uid = uid;
  std::lock_guard lock(mutex_);
  if (uint32_t bytes = record_.report_bytes.load(); bytes > 0) {
    Result<NodeReport> known = decode_node_report(std::string_view(record_.report, bytes));
    if (known.ok() && !known->pods.empty()) as<Pod>(*pod).status = known->pods[0].status;
  }
  if (out.at.number == 3) {
    pod->meta.deletion_timestamp = now + std::chrono::seconds{20};
    pod->meta.deletion_grace_period_seconds = 20;
  }
  out.pods = {std::move(pod)};
  return out;
}

void Story::fail(const std::string& what) {
  if (record_.trouble[0] == 0) snprintf(record_.trouble, sizeof record_.trouble, "%s", what.c_str());
}

void Story::take(const NodeReport& report) {
  std::lock_guard lock(mutex_);
  for (const PodReport& pod : report.pods) {
    if (pod.uid != uid) continue;
    NodeReport kept;
    kept.pods = {pod};
    std::string bytes = encode(kept);
    if (bytes.size() > sizeof record_.report) return fail("a report is longer than the story has room for");
    record_.report_bytes.store(0);
    memcpy(record_.report, bytes.data(), bytes.size());
    record_.report_bytes.store(static_cast<uint32_t>(bytes.size()));
    bool ready = false;
    for (const PodCondition& condition : pod.status.conditions) {
      if (condition.type == "Ready") ready = condition.status == "True";
    }
    bool leaving = phase() >= StoryPhase::kLeave;
    if (!leaving && (pod.status.phase == "Failed" || pod.status.phase == "Succeeded")) {
      fail("the pod is " + pod.status.phase);
    }
    for (const auto* list : {&pod.status.init_container_statuses, &pod.status.container_statuses}) {
      for (const ContainerStatus& container : *list) {
        int most = (container.name == "main" ? 1 : 0) + record_.patience.load();
        if (container.restart_count > most) fail(container.name + " was restarted once too often");
        if (container.name == "main") record_.restarts.store(container.restart_count);
      }
    }
    record_.ready.store(ready);
    record_.gone.store(pod.gone);
  }
  if (report.seen.number >= 4) record_.forgotten.store(true);
}

void Story::advance(StoryWorld& world) {
  StoryPhase now = phase();
  bool done = false;
  switch (now) {
    case StoryPhase::kStart: done = record_.ready.load(); break;
    case StoryPhase::kEnd:
      world.end_first_attempt();
      done = record_.ready.load() && record_.restarts.load() >= 1;
      break;
    case StoryPhase::kUpdate: done = world.configuration() == "two"; break;
    case StoryPhase::kLeave: done = record_.gone.load(); break;
    case StoryPhase::kForget: done = record_.forgotten.load(); break;
    case StoryPhase::kOver: break;
  }
  if (done && now < record_.hold.load()) record_.phase.store(static_cast<StoryPhase>(static_cast<int>(now) + 1));
}

}  // namespace mainstay::test
