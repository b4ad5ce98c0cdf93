// PodProfile: what a pod is to the pods beside it, and what it wishes of them: affinity, anti-affinity, topology
// spread, ready to be asked. Made from the pod alone. Plain values; any thread.
// Source of the meaning: Kubernetes' plugins InterPodAffinity and PodTopologySpread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/object.h"
#include "schema/selector.h"

namespace mainstay {

// Which pods are meant, and what counts as one place.
struct PodTerm {
  std::vector<std::string> namespaces;         // sorted
  std::optional<Selector> namespace_selector;  // besides those, all whose labels match
  std::optional<Selector> selector;            // none: no pod is meant
  std::string topology_key;
};

enum class TermUse : uint8_t { kRequired, kRequiredAnti, kPreferred, kPreferredAnti };

struct WishedTerm {
  TermUse use = TermUse::kRequired;
  int32_t weight = 0;  // 1..100, for the preferred ones
  PodTerm term;
  std::string key;  // equal exactly for equal wishes
};

struct SpreadTerm {
  std::string topology_key;
  int32_t max_skew = 1;
  int32_t min_domains = 1;
  bool hard = false;  // DoNotSchedule
  bool honor_affinity = true;
  bool honor_taints = false;
  std::optional<Selector> selector;  // none: no pod is meant
};

struct PodProfile {
  std::string ns;
  StringMap labels;
  bool leaving = false;  // being deleted: no longer counted for spreading
  std::vector<WishedTerm> terms;
  std::vector<SpreadTerm> spread;
  std::string group;  // equal exactly for pods of one namespace, one set of labels, and leaving or not alike
  std::string wishes;  // equal exactly for equal `terms` and `spread`; "" for none
};

PodProfile profile_of(const Object& pod);

// True if the pod wishes anything of the pods beside it.
bool has_wishes(const PodSpec& spec);

// True if the term means a pod of these labels in this namespace. `namespace_labels` are the namespace's own.
bool means(const PodTerm& term, std::string_view ns, const StringMap& labels, const StringMap& namespace_labels);

// The pods that a spread constraint of a pod in `ns` counts.
bool counts(const SpreadTerm& term, std::string_view ns, const PodProfile& other);

// Appends text so that no two different lists of texts give the same.
void append_text(std::string& out, std::string_view text);

}  // namespace mainstay
