// The cells of Deployments, ReplicaSets and Applications.
#include <string>

#include "schema/table_cells.h"

namespace mainstay {
namespace {

const DeploymentSpec& deployment(const Object& object) { return as<Deployment>(object).spec; }
const DeploymentStatus& deployed(const Object& object) { return as<Deployment>(object).status; }
const ReplicaSetSpec& replica_set(const Object& object) { return as<ReplicaSet>(object).spec; }
const ReplicaSetStatus& replicas(const Object& object) { return as<ReplicaSet>(object).status; }

constexpr CellColumn kDeployment[] = {
    kNameColumn,
    {{"Ready", "string", ""},
     [](const Object& o, WallTime) -> Value {
       return std::to_string(deployed(o).ready_replicas) + "/" +
           std::to_string(deployment(o).replicas.value_or(1));
     }},
    {{"Up-to-date", "integer", ""},
     [](const Object& o, WallTime) -> Value { return deployed(o).updated_replicas; }},
    {{"Available", "integer", ""},
     [](const Object& o, WallTime) -> Value { return deployed(o).available_replicas; }},
    kAgeColumn,
    {{"Containers", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return container_names(deployment(o).pod_template.spec); }},
    {{"Images", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return container_images(deployment(o).pod_template.spec); }},
    {{"Selector", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return selector_text(deployment(o).selector); }},
};

constexpr CellColumn kReplicaSet[] = {
    kNameColumn,
    {{"Desired", "integer", ""},
     [](const Object& o, WallTime) -> Value { return replica_set(o).replicas.value_or(1); }},
    {{"Current", "integer", ""}, [](const Object& o, WallTime) -> Value { return replicas(o).replicas; }},
    {{"Ready", "integer", ""}, [](const Object& o, WallTime) -> Value { return replicas(o).ready_replicas; }},
    kAgeColumn,
    {{"Containers", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return container_names(replica_set(o).pod_template.spec); }},
    {{"Images", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return container_images(replica_set(o).pod_template.spec); }},
    {{"Selector", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return selector_text(replica_set(o).selector); }},
};

// Argo CD shows these two from priority 10 on.
constexpr int kArgoWide = 10;

constexpr CellColumn kApplication[] = {
    kNameColumn,
    {{"Sync Status", "string", ""},
     [](const Object& o, WallTime) -> Value { return as<Application>(o).status.sync.status; }},
    {{"Health Status", "string", ""},
     [](const Object& o, WallTime) -> Value { return as<Application>(o).status.health.status; }},
    {{"Revision", "string", "", kArgoWide},
     [](const Object& o, WallTime) -> Value { return as<Application>(o).status.sync.revision; }},
    {{"Project", "string", "", kArgoWide},
     [](const Object& o, WallTime) -> Value { return as<Application>(o).spec.project; }},
};

}  // namespace

std::span<const CellColumn> workload_columns(Kind kind) {
  switch (kind) {
    case Kind::kDeployment: return kDeployment;
    case Kind::kReplicaSet: return kReplicaSet;
    case Kind::kApplication: return kApplication;
    default: return {};
  }
}

}  // namespace mainstay
