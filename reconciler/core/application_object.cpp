#include "reconciler/core/application_object.h"

#include <algorithm>

#include "schema/defaults.h"

namespace mainstay {
namespace {

// Of a larger application only the objects that need attention are listed, at most this many.
constexpr size_t kListedResources = 500;
constexpr size_t kListedHistory = 10;

ApplicationSource source_of(const ApplicationSettings& settings) {
  ApplicationSource out;
  out.repo_url = settings.repo_url;
  out.path = settings.path;
  out.target_revision = settings.target_revision;
  return out;
}

ApplicationDestination destination_of(const ApplicationSettings& settings) {
  ApplicationDestination out;
  out.server = "https://kubernetes.default.svc";
  out.ns = settings.destination_ns;
  return out;
}

ApplicationSpec spec_of(const ApplicationSettings& settings) {
  ApplicationSpec out;
  out.source = Box<ApplicationSource>(source_of(settings));
  out.destination = destination_of(settings);
  out.project = "default";
  SyncPolicy policy;
  if (settings.automated) {
    SyncPolicyAutomated automated;
    automated.prune = settings.prune;
    automated.self_heal = settings.self_heal;
    policy.automated = Box<SyncPolicyAutomated>(automated);
  }
  out.sync_policy = Box<SyncPolicy>(policy);
  return out;
}

void add_condition(ApplicationStatus& status, const ApplicationStatus& before, std::string_view type,
                   std::string message, WallTime now) {
  ApplicationCondition condition;
  condition.type = type;
  condition.message = std::move(message);
  condition.last_transition_time = now.seconds();
  for (const ApplicationCondition& old : before.conditions) {
    if (old.type == condition.type && old.message == condition.message) {
      condition.last_transition_time = old.last_transition_time;
    }
  }
  status.conditions.push_back(std::move(condition));
}

// Who commits a StatefulSet and sees "Healthy" must also see that nothing runs because of it.
std::string carried_sentence(const Rollup& rollup, const DesiredSet& applied) {
  std::string all = std::to_string(rollup.carried_count) + " kept and served, but nothing follows from them:";
  for (const Key& key : rollup.carried) {
    all += "\n" + key.text();
    const DesiredObject* declared = applied.objects.find(key);
    if (declared != nullptr) all += " (" + declared->origin.path + ":" + std::to_string(declared->origin.line) + ")";
  }
  size_t more = rollup.carried_count - rollup.carried.size();
  return all + (more > 0 ? "\nand " + std::to_string(more) + " more" : "");
}

void add_conditions(ApplicationStatus& status, const ApplicationStatus& before, const ApplicationState& state,
                    const Rollup& rollup, WallTime now) {
  if (!state.mistakes.empty()) {
    std::string all = "commit " + state.refused + " is refused:";
    for (const std::string& mistake : state.mistakes) all += "\n" + mistake;
    add_condition(status, before, "SyncError", std::move(all), now);
  }
  if (!state.trouble.empty()) add_condition(status, before, "ComparisonError", state.trouble, now);
  if (!state.held.empty()) {
    std::string all = std::to_string(state.held.size()) + " held, not deleted until acknowledged:";
    for (const Hold& hold : state.held) all += "\n" + hold.key.text() + ": " + hold.sentence;
    add_condition(status, before, "PruneHeld", std::move(all), now);
  }
  if (!state.pinned.empty()) {
    add_condition(status, before, "Pinned", "rolled back to " + state.pinned + " until `mainstay sync`", now);
  }
  if (rollup.carried_count > 0) {
    add_condition(status, before, "ExcludedResourceWarning", carried_sentence(rollup, *state.applied), now);
  }
}

void add_history(ApplicationStatus& status, const ApplicationState& state,
                 const ApplicationSettings& settings) {
  for (const CommitRow& row : *state.commits) {
    if (row.result == "refused" || status.history.size() >= kListedHistory) continue;
    RevisionHistory entry;
    entry.id = static_cast<int64_t>(row.number);
    entry.revision = row.commit;
    entry.deploy_started_at = row.seen.seconds();
    entry.deployed_at = (row.finished == WallTime{} ? row.seen : row.finished).seconds();
    entry.source = Box<ApplicationSource>(source_of(settings));
    status.history.push_back(std::move(entry));
  }
  std::reverse(status.history.begin(), status.history.end());  // Argo CD lists the oldest first
}

void add_operation(ApplicationStatus& status, const ApplicationState& state) {
  if (state.commit.id.empty()) return;
  OperationState operation;
  operation.phase = state.phase.empty() ? "Running" : state.phase;
  operation.message = state.message;
  operation.started_at = state.started.seconds();
  operation.finished_at = state.finished.seconds();
  SyncOperationResult result;
  result.revision = state.commit.id;
  operation.sync_result = Box<SyncOperationResult>(result);
  status.operation_state = Box<OperationState>(operation);
}

ApplicationStatus status_of(const ApplicationSettings& settings, const ApplicationState& state,
                            const ApplicationView& view, const ApplicationStatus& before, WallTime now) {
  ApplicationStatus out;
  out.sync.status = state.commit.id.empty() ? "Unknown" : view.rollup.sync;
  out.sync.revision = state.commit.id;
  ComparedTo compared;
  compared.source = source_of(settings);
  compared.destination = destination_of(settings);
  out.sync.compared_to = Box<ComparedTo>(compared);
  out.health.status = health_name(view.rollup.health.status);
  out.health.message = view.rollup.health.message;
  bool same_health = before.health.status == out.health.status;
  out.health.last_transition_time = same_health ? before.health.last_transition_time : now.seconds();
  out.resources = view.rollup.resources;
  add_history(out, state, settings);
  add_conditions(out, before, state, view.rollup, now);
  add_operation(out, state);
  out.source_type = "Directory";
  out.summary.images = view.rollup.images;
  out.reconciled_at = state.started.seconds();
  return out;
}

}  // namespace

ApplicationView view_application(const ApplicationState& state, const Standing& standing,
                                 const std::string& tip) {
  bool at_target = tip.empty() || tip == state.commit.id || !state.pinned.empty();
  ApplicationView view;
  view.rollup = standing.sum(at_target, kListedResources);
  Health health = view.rollup.health.status;
  view.failed = health == Health::kDegraded;
  view.rolled_out = health == Health::kHealthy && view.rollup.missing == 0;
  if (!view.rolled_out) {
    view.reason =
        view.rollup.health.message.empty() ? std::string(health_name(health)) : view.rollup.health.message;
  }
  return view;
}

void write_application_object(const ApplicationSettings& settings, const ApplicationState& state,
                              const ApplicationView& view, Transaction& txn) {
  txn.set_cause({"application-controller", state.commit.id});
  if (!txn.view().find(Kind::kNamespace, "", settings.ns)) {
    Object ns = make_object<Namespace>("", settings.ns);
    apply_defaults(ns);
    if (!txn.create(std::move(ns)).ok()) return;
  }
  ObjectPtr stored = txn.view().find(Kind::kApplication, settings.ns, settings.name);
  Object next = stored ? *stored : make_object<Application>(settings.ns, settings.name);
  as<Application>(next).spec = spec_of(settings);
  as<Application>(next).status =
      status_of(settings, state, view, as<Application>(next).status, txn.now().wall);
  // Neither can fail: the same transaction has just looked.
  if (stored) {
    txn.update(std::move(next)).ok();
  } else {
    txn.create(std::move(next)).ok();
  }
}

bool is_application_object(const ApplicationSettings& settings, const Key& key) {
  return key.kind == Kind::kApplication && key.ns == settings.ns && key.name == settings.name;
}

}  // namespace mainstay
