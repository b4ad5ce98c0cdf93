#include "reconciler/control/load_balancer.h"

#include <algorithm>
#include <set>

#include "reconciler/control/controllers.h"
#include "reconciler/control/service_trouble.h"
#include "schema/base/crypto.h"

namespace mainstay {
namespace {

constexpr uint64_t kLargestRange = 65536;
constexpr std::string_view kCondition = "LoadBalancerAddress";
constexpr std::string_view kNoPool =
    "no address pool is configured for services of type LoadBalancer: set network.loadBalancerPool";

std::string wanted_address(const Service& service) {
  const Box<Value>& carried = service.spec.carried;
  return carried ? std::string(carried->string_at("loadBalancerIP")) : std::string();
}

std::string given_address(const Service& service) {
  const auto& ingress = service.status.load_balancer.ingress;
  return ingress.empty() ? std::string() : ingress.front().ip;
}

bool is_ours(const Object& object) {
  const Service& service = as<Service>(object);
  return service.spec.type == "LoadBalancer" && !has_foreign_balancer(service) &&
         object.meta.deletion_timestamp == WallTime{};
}

// What a Service asks for, or already has, if the pool may give it.
std::optional<uint32_t> claim_of(const Service& service, const AddressPool& pool) {
  std::string wanted = wanted_address(service);
  std::optional<uint32_t> address = parse_ipv4(wanted.empty() ? given_address(service) : wanted);
  return address && pool.contains(*address) ? address : std::nullopt;
}

PoolAnswer search(const Object& object, const AddressPool& pool, std::set<uint32_t>& taken) {
  const Service& service = as<Service>(object);
  if (std::string wanted = wanted_address(service); !wanted.empty()) {
    bool known = claim_of(service, pool).has_value();
    return {"", "spec.loadBalancerIP " + wanted +
                    (known ? " is of another service" : " is not in network.loadBalancerPool")};
  }
  uint64_t start = fnv32a(object.meta.ns + "/" + object.meta.name) % pool.size();
  for (uint64_t i = 0; i < pool.size(); ++i) {
    uint32_t address = pool.at((start + i) % pool.size());
    if (taken.insert(address).second) return {ipv4_text(address), ""};
  }
  return {"", "every address of network.loadBalancerPool is taken"};
}

}  // namespace

bool has_foreign_balancer(const Service& service) {
  const Box<Value>& carried = service.spec.carried;
  return carried && !carried->string_at("loadBalancerClass").empty();
}

Result<AddressPool> AddressPool::parse(const std::vector<std::string>& entries) {
  AddressPool out;
  for (const std::string& entry : entries) {
    Span span;
    size_t dash = entry.find('-');
    std::optional<uint32_t> first = parse_ipv4(entry.substr(0, dash));
    if (std::optional<Ipv4Block> range = parse_ipv4_range(entry)) {
      span = {range->base, static_cast<uint32_t>(range->base + (range->size() - 1))};
    } else if (first) {
      std::optional<uint32_t> last = dash == std::string::npos ? first : parse_ipv4(entry.substr(dash + 1));
      if (!last || *last < *first) {
        return error(ErrorCode::kInvalid, "\"" + entry + "\" is no range of addresses");
      }
      span = {*first, *last};
    } else {
      return error(ErrorCode::kInvalid, "\"" + entry +
                                            "\" is no IPv4 address, block (192.0.2.0/28) or range "
                                            "(192.0.2.10-192.0.2.20)");
    }
    uint64_t size = uint64_t{span.last} - span.first + 1;
    if (size > kLargestRange) {
      return error(ErrorCode::kInvalid, "\"" + entry + "\" has more than 65536 addresses");
    }
    for (const Span& known : out.ranges_) {
      bool apart = span.last < known.first || span.first > known.last;
      if (!apart) return error(ErrorCode::kInvalid, "\"" + entry + "\" overlaps an entry before it");
    }
    out.ranges_.push_back(span);
    out.size_ += size;
  }
  return out;
}

bool AddressPool::contains(uint32_t address) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](const Span& span) { return address >= span.first && address <= span.last; });
}

bool AddressPool::meets(const Ipv4Block& block) const {
  auto last = static_cast<uint32_t>(block.base + (block.size() - 1));
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](const Span& span) { return span.first <= last && block.base <= span.last; });
}

uint32_t AddressPool::at(uint64_t number) const {
  for (const Span& span : ranges_) {
    uint64_t size = uint64_t{span.last} - span.first + 1;
    if (number < size) return static_cast<uint32_t>(span.first + number);
    number -= size;
  }
  ENSURE(false, "an address beyond the pool");
  return 0;
}

PoolAnswers pool_addresses(const Snapshot& view, const AddressPool& pool) {
  std::vector<ObjectPtr> services;
  for (const ObjectPtr& service : view.list(Kind::kService)) {
    if (is_ours(*service)) services.push_back(service);
  }
  // Of two that claim the same, who has it keeps it, and else the older gets it.
  auto rank = [&](const ObjectPtr& object) {
    std::optional<uint32_t> claim = claim_of(as<Service>(*object), pool);
    bool has_it = claim && ipv4_text(*claim) == given_address(as<Service>(*object));
    return std::tuple(!has_it, object->meta.creation_timestamp, object->meta.uid);
  };
  std::stable_sort(services.begin(), services.end(),
                   [&](const ObjectPtr& a, const ObjectPtr& b) { return rank(a) < rank(b); });
  PoolAnswers out;
  std::set<uint32_t> taken;
  std::vector<ObjectPtr> without;
  for (const ObjectPtr& service : services) {
    std::optional<uint32_t> claim = claim_of(as<Service>(*service), pool);
    if (claim && taken.insert(*claim).second) {
      out[{service->meta.ns, service->meta.name}] = {ipv4_text(*claim), ""};
    } else {
      without.push_back(service);
    }
  }
  for (const ObjectPtr& service : without) {
    PoolAnswer answer = pool.empty() ? PoolAnswer{"", std::string(kNoPool)} : search(*service, pool, taken);
    out[{service->meta.ns, service->meta.name}] = std::move(answer);
  }
  return out;
}

namespace {

// A Service that is no LoadBalancer of ours loses what we gave it.
void give(ControlContext& context, const Object& stored, const PoolAnswer& answer) {
  Object next = stored;
  std::vector<LoadBalancerIngress>& ingress = as<Service>(next).status.load_balancer.ingress;
  if (given_address(as<Service>(next)) != answer.address || ingress.size() > 1) {
    ingress.clear();
    if (!answer.address.empty()) ingress.emplace_back().ip = answer.address;
  }
  bool news = set_service_trouble(next, kCondition, "AllocationFailed", answer.trouble, context.now().wall);
  (void)context.txn.update_status(std::move(next));
  if (news && !answer.trouble.empty()) {
    note_service_trouble(context.txn, stored, "AllocationFailed", answer.trouble);
  }
}

// Clients know the address by DNS or by heart: that it is another one must not pass unsaid.
void note_lost_address(ControlContext& context, const Object& object, const AddressPool& pool,
                       const PoolAnswer& answer) {
  std::string had = given_address(as<Service>(object));
  std::optional<uint32_t> address = parse_ipv4(had);
  if (!address || pool.contains(*address) || !wanted_address(as<Service>(object)).empty()) return;
  std::string now = answer.address.empty() ? "" : "; it is " + answer.address + " now";
  note_service_trouble(context.txn, object, "LoadBalancerAddressLost",
                       "the address " + had + " is not in network.loadBalancerPool any more" + now);
}

bool has_trouble(const Object& service) {
  Object copy = service;
  return set_service_trouble(copy, kCondition, "", "", {});
}

Outcome reconcile(ControlContext& context, const Key&) {
  Result<AddressPool> pool = AddressPool::parse(context.settings.load_balancer_pool);
  ENSURE(pool.ok(), "the configuration's pool was checked when it was read");
  Snapshot before = context.view();
  PoolAnswers answers = pool_addresses(before, *pool);
  for (const ObjectPtr& object : before.list(Kind::kService)) {
    const Service& service = as<Service>(*object);
    auto answer = answers.find({object->meta.ns, object->meta.name});
    if (answer != answers.end()) {
      // Without a pool somebody else may do what we do not.
      bool others = pool->empty() && !service.status.load_balancer.ingress.empty();
      if (others) continue;
      note_lost_address(context, *object, *pool, answer->second);
      give(context, *object, answer->second);
    } else if (service.spec.type != "LoadBalancer") {
      if (!service.status.load_balancer.ingress.empty() || has_trouble(*object)) give(context, *object, {});
    }
  }
  return {};
}

bool same_claim(const Object& before, const Object& after) {
  const Service &a = as<Service>(before), &b = as<Service>(after);
  return a.spec.type == b.spec.type && wanted_address(a) == wanted_address(b) &&
         has_foreign_balancer(a) == has_foreign_balancer(b) && given_address(a) == given_address(b) &&
         (before.meta.deletion_timestamp == WallTime{}) == (after.meta.deletion_timestamp == WallTime{});
}

void wakes(const Change& change, const Snapshot&, std::vector<Key>& keys) {
  if (change.key.kind != Kind::kService) return;
  if (change.before && change.after && same_claim(*change.before, *change.after)) return;
  auto balanced = [](const ObjectPtr& service) {
    return service && as<Service>(*service).spec.type == "LoadBalancer";
  };
  bool leftover = change.after && !as<Service>(*change.after).status.load_balancer.ingress.empty();
  if (balanced(change.before) || balanced(change.after) || leftover) {
    keys.push_back(sweep_key(Kind::kService));
  }
}

}  // namespace

Controller load_balancer_controller() {
  return {"load-balancer-controller", &reconcile, &wakes, Kind::kService};
}

}  // namespace mainstay
