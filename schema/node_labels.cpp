#include "schema/node_labels.h"

#include <algorithm>
#include <vector>

#include "schema/names.h"

namespace mainstay {
namespace {

constexpr std::string_view kAllowed[] = {
    "beta.kubernetes.io/instance-type",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
};
constexpr std::string_view kAllowedNamespaces[] = {"kubelet.kubernetes.io", "node.kubernetes.io"};

bool is_within(std::string_view ns, std::string_view domain) {
  return ns == domain || (ns.size() > domain.size() && ns.ends_with(domain) &&
                          ns[ns.size() - domain.size() - 1] == '.');
}

}  // namespace

bool may_label_itself(std::string_view key) {
  size_t slash = key.find('/');
  if (slash == std::string_view::npos) return true;
  std::string_view ns = key.substr(0, slash);
  if (!is_within(ns, "kubernetes.io") && !is_within(ns, "k8s.io")) return true;
  if (std::find(std::begin(kAllowed), std::end(kAllowed), key) != std::end(kAllowed)) return true;
  return std::any_of(std::begin(kAllowedNamespaces), std::end(kAllowedNamespaces),
                     [&](std::string_view allowed) { return is_within(ns, allowed); });
}

Result<NodeLabels> parse_node_labels(std::string_view text) {
  NodeLabels out;
  auto wrong = [](const std::string& why) { return error(ErrorCode::kInvalid, "--node-labels: " + why); };
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string item(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    size_t equals = item.find('=');
    if (equals == std::string::npos) return wrong("'" + item + "' is not of the form key=value");
    std::string key = item.substr(0, equals), value = item.substr(equals + 1);
    for (const std::vector<std::string>& problems : {qualified_name_problems(key), label_value_problems(value)}) {
      if (!problems.empty()) return wrong("'" + item + "': " + problems.front());
    }
    if (!may_label_itself(key)) {
      return wrong("unknown 'kubernetes.io' or 'k8s.io' label '" + key +
                   "': a node may only set those of kubelet.kubernetes.io, node.kubernetes.io, its zone, region, "
                   "instance type, hostname, os and arch");
    }
    out[key] = value;
  }
  return out;
}

}  // namespace mainstay
