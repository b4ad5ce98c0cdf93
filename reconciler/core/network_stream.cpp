#include "reconciler/core/network_stream.h"

#include <algorithm>
#include <set>

#include "schema/base/crypto.h"

namespace mainstay {
namespace {

constexpr size_t kStepKeys = 20'000;  // of all steps together
// Differences from so many numbers are remembered; agents that are in step ask from one or two.
constexpr size_t kRemembered = 64;

uint64_t hash_of(const std::string& bytes) {
  Digest digest = sha256(bytes);
  uint64_t out = 0;
  for (size_t i = 0; i < 8; ++i) out = out << 8 | static_cast<unsigned char>(digest[i]);
  return out;
}

std::string digest_text(uint64_t sum) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(sum >> shift & 255);
  return hex(bytes);
}

std::string name_of(const Key& key) { return key.ns + "/" + key.name; }

const StringMap& labels_of(const ObjectPtr& ns) {
  static const StringMap kNone;
  return ns ? ns->meta.labels : kNone;
}

bool counts(const ObjectPtr& pod) { return pod && counts_for_policies(as<Pod>(*pod)); }

// Nothing that policies read of a pod differs.
bool same_for_policies(const Change& change) {
  if (counts(change.before) != counts(change.after)) return false;
  if (!counts(change.after)) return true;
  const Object &before = *change.before, &after = *change.after;
  return before.meta.labels == after.meta.labels &&
         as<Pod>(before).status.pod_ip == as<Pod>(after).status.pod_ip;
}

}  // namespace

NetworkStream::NetworkStream(NetworkRanges ranges, const Snapshot& view) : ranges_(std::move(ranges)) {
  for (const ObjectPtr& object : view.list(Kind::kNetworkPolicy)) {
    policies_[name_of(object->key())] = read_policy(*object);
  }
  for (const NetworkItem& item : encode_items(network_of(view, ranges_))) put(item);
  changed_.clear();  // a start, not a change
  close_step(view.version());
}

void NetworkStream::put(const NetworkItem& item) {
  const SharedBytes* known = next_.items.find(item.key);
  SharedBytes made;
  if (!item.json.empty()) {
    ++encodings_;
    made = std::make_shared<const std::string>(framed(item));
    if (known != nullptr && **known == *made) return;
  } else if (known == nullptr) {
    return;
  }
  if (known != nullptr) sum_ -= hash_of(**known);
  if (made) {
    sum_ += hash_of(*made);
    next_.items.set(item.key, std::move(made));
  } else {
    next_.items.erase(item.key);
  }
  changed_.push_back(item.key);
}

void NetworkStream::put_service(const Key& key, const Snapshot& view) {
  ObjectPtr service = view.find(key);
  put(service ? encode_item(network_service(*service)) : NetworkItem{"service/" + name_of(key), ""});
}

void NetworkStream::put_slice(const Key& key, const Snapshot& view) {
  ObjectPtr object = view.find(key);
  std::optional<NetworkSlice> slice = object ? network_slice(*object) : std::nullopt;
  put_group("slice/" + name_of(key), slice ? encode_items(*slice) : std::vector<NetworkItem>());
}

void NetworkStream::put_group(const std::string& name, std::vector<NetworkItem> items) {
  if (items.empty()) items.push_back({name, ""});
  std::string prefix = name + "/";
  std::set<std::string> wanted;
  for (const NetworkItem& item : items) wanted.insert(item.key);
  std::vector<std::string> gone;
  for (auto at = next_.items.lower_bound(prefix); at != next_.items.end(); ++at) {
    if (!at.key().starts_with(prefix)) break;
    if (wanted.count(at.key()) == 0) gone.push_back(at.key());
  }
  for (const NetworkItem& item : items) put(item);
  for (std::string& item : gone) put({std::move(item), ""});
}

void NetworkStream::put_node(const Key& key, const Snapshot& view) {
  ObjectPtr node = view.find(key);
  put(node ? encode_item(network_node(*node)) : NetworkItem{"node/" + key.name, ""});
}

void NetworkStream::put_policy(const std::string& name, const Snapshot& view) {
  auto policy = policies_.find(name);
  put_group("policy/" + name, policy != policies_.end() ? encode_items(resolve(policy->second, view))
                                                        : std::vector<NetworkItem>());
}

void NetworkStream::read_policies(const Change& change) {
  if (change.key.kind != Kind::kNetworkPolicy) return;
  if (change.after) {
    policies_[name_of(change.key)] = read_policy(*change.after);
  } else {
    policies_.erase(name_of(change.key));
  }
}

void NetworkStream::find_policies(const Change& change, const Snapshot& view,
                                  std::map<std::string, bool>& dirty) const {
  if (change.key.kind == Kind::kNetworkPolicy) {
    dirty[name_of(change.key)] = true;
  } else if (change.key.kind == Kind::kNamespace) {
    bool same = change.before && change.after && change.before->meta.labels == change.after->meta.labels;
    if (same) return;
    for (const auto& [name, policy] : policies_) {
      if (selects_namespaces(policy)) dirty[name] = true;
    }
  } else if (change.key.kind == Kind::kPod && !policies_.empty() && !same_for_policies(change)) {
    ObjectPtr ns = view.find(Kind::kNamespace, "", change.key.ns);
    for (const auto& [name, policy] : policies_) {
      bool touched = (change.before && concerns(policy, *change.before, labels_of(ns))) ||
                     (change.after && concerns(policy, *change.after, labels_of(ns)));
      if (touched) dirty[name] = true;
    }
  }
}

std::shared_ptr<const NetworkFeed> NetworkStream::absorb(const std::vector<Change>& changes,
                                                         const Snapshot& view) {
  // One object may have changed many times: what it is now is looked at once.
  std::set<Key> dirty;
  for (const Change& change : changes) {
    Kind kind = change.key.kind;
    bool item = kind == Kind::kService || kind == Kind::kEndpointSlice || kind == Kind::kNode;
    if (item) dirty.insert(change.key);
    read_policies(change);
  }
  std::map<std::string, bool> policies;
  for (const Change& change : changes) find_policies(change, view, policies);
  for (const Key& key : dirty) {
    if (key.kind == Kind::kService) put_service(key, view);
    if (key.kind == Kind::kEndpointSlice) put_slice(key, view);
    if (key.kind == Kind::kNode) put_node(key, view);
  }
  for (const auto& [name, unused] : policies) put_policy(name, view);
  if (!changed_.empty()) close_step(view.version());
  return feed_;
}

void NetworkStream::close_step(uint64_t number) {
  auto step = std::make_shared<NetworkFeed::Step>();
  step->number = number;
  step->digest = digest_text(sum_);
  std::sort(changed_.begin(), changed_.end());
  step->keys.swap(changed_);
  next_.number = number;
  next_.digest = step->digest;
  next_.steps.push_back(std::move(step));
  size_t keys = 0, kept = 0;
  while (kept < next_.steps.size() && kept < kNetworkSteps && keys < kStepKeys) {
    keys += next_.steps[next_.steps.size() - ++kept]->keys.size();
  }
  next_.steps.erase(next_.steps.begin(), next_.steps.end() - static_cast<ptrdiff_t>(kept));
  feed_ = std::make_shared<const NetworkFeed>(next_);
}

void NetworkAnswers::set(std::shared_ptr<const NetworkFeed> feed, uint64_t epoch) {
  AssignmentNumber at{epoch, feed ? feed->number : 0};
  if (feed == feed_ && at == at_) return;
  feed_ = std::move(feed);
  at_ = at;
  whole_ = {};
  from_.clear();
}

// The items that changed after `step`; all of them without one.
std::string NetworkAnswers::compose(const AgentHas& has, std::optional<size_t> step) const {
  NetworkUpdate head;
  head.at = at_;
  head.digest = feed_->digest;
  head.whole = !step;
  if (step) head.from = has.network;
  std::string out = begin_network_update(head);
  auto add = [&out](const std::string& bytes) {
    if (out.back() != '[') out += ',';
    out += bytes;
  };
  if (step) {
    std::set<std::string> keys;
    for (size_t i = *step + 1; i < feed_->steps.size(); ++i) {
      keys.insert(feed_->steps[i]->keys.begin(), feed_->steps[i]->keys.end());
    }
    for (const std::string& key : keys) {
      const SharedBytes* item = feed_->items.find(key);
      add(item != nullptr ? **item : framed({key, ""}));
    }
  } else {
    for (auto at = feed_->items.begin(); at != feed_->items.end(); ++at) add(*at.value());
  }
  out += kNetworkUpdateEnd;
  return out;
}

NetworkAnswers::Made* NetworkAnswers::find(const AgentHas& has) {
  if (!feed_ || !has.wants_network || has.network > at_) return nullptr;
  if (has.network == at_ && has.network_digest == feed_->digest) return nullptr;
  // Where its number and what it holds agree with our past, whatever the epoch, the difference is enough.
  std::optional<size_t> step;
  if (has.network_digest == feed_->digest) {
    step = feed_->steps.size() - 1;  // it has everything but the number
  } else {
    auto at = std::lower_bound(feed_->steps.begin(), feed_->steps.end(), has.network.number,
                               [](const auto& known, uint64_t number) { return known->number < number; });
    bool known = at != feed_->steps.end() && (*at)->number == has.network.number &&
                 (*at)->digest == has.network_digest;
    if (known) step = static_cast<size_t>(at - feed_->steps.begin());
  }
  if (!step) {
    if (!whole_.update) {
      ++composed_;
      whole_.update = std::make_shared<const std::string>(compose(has, step));
    }
    return &whole_;
  }
  std::pair<AssignmentNumber, std::string> from{has.network, has.network_digest};
  if (from_.size() >= kRemembered && from_.count(from) == 0) from_.clear();
  Made& made = from_[from];
  if (!made.update) {
    ++composed_;
    made.update = std::make_shared<const std::string>(compose(has, step));
  }
  return &made;
}

SharedBytes NetworkAnswers::update_for(const AgentHas& has) {
  Made* made = find(has);
  return made != nullptr ? made->update : nullptr;
}

SharedBytes NetworkAnswers::answer_for(const AgentHas& has) {
  Made* made = find(has);
  if (made == nullptr) return nullptr;
  if (!made->answer) {
    made->answer = std::make_shared<const std::string>(encode_poll_answer({}, *made->update));
  }
  return made->answer;
}

}  // namespace mainstay
