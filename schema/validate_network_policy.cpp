// Validation of NetworkPolicies, whose fields are kept as a Value. Source: Kubernetes networking/validation.
#include <algorithm>
#include <string>

#include "schema/decode.h"
#include "schema/message_json.h"
#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kTypes[] = {"Egress", "Ingress"};
constexpr std::string_view kProtocols[] = {"SCTP", "TCP", "UDP"};
constexpr size_t kMostTypes = 2;

struct Block {
  uint32_t address = 0;
  int bits = 0;
  bool ipv4 = false;
};

// "10.0.0.0/8" or "2001:db8::/32".
std::optional<Block> parse_block(const std::string& text) {
  size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  std::string address = text.substr(0, slash), digits = text.substr(slash + 1);
  bool number = !digits.empty() && digits.size() <= 3 &&
                std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!number || !is_ip(address)) return std::nullopt;
  Block out;
  out.ipv4 = is_ipv4(address);
  out.bits = std::stoi(digits);
  if (out.bits > (out.ipv4 ? 32 : 128)) return std::nullopt;
  uint32_t part = 0;
  for (char c : address) {
    if (!out.ipv4) break;
    if (c == '.') {
      out.address = out.address << 8 | part;
      part = 0;
    } else {
      part = part * 10 + static_cast<uint32_t>(c - '0');
    }
  }
  out.address = out.address << 8 | part;
  return out;
}

bool holds(const Block& outer, const Block& inner) {
  if (inner.bits <= outer.bits) return false;
  uint32_t mask = outer.bits == 0 ? 0 : ~uint32_t{0} << (32 - outer.bits);
  return ((outer.address ^ inner.address) & mask) == 0;
}

void validate_block(FieldErrors& errors, const Path& path, const Value& block) {
  std::string cidr = text_at(block, "cidr");
  const Path here = path.field("cidr");
  if (cidr.empty()) return errors.required(here);
  constexpr std::string_view kRule = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
  std::optional<Block> outer = parse_block(cidr);
  if (!outer) return errors.invalid(here, cidr, kRule);
  if (!outer->ipv4) {
    errors.invalid(here, cidr, "IPv6 is not supported yet: nodes know IPv4 addresses only");
  }
  const Path excepts = path.field("except");
  size_t i = 0;
  for (const Value& except : list_at(block, "except")) {
    const Path at = excepts.index(i++);
    std::string text = except.is_string() ? except.as_string() : std::string();
    std::optional<Block> inner = parse_block(text);
    if (!inner) {
      errors.invalid(at, text, kRule);
    } else if (outer->ipv4 != inner->ipv4 || (outer->ipv4 && !holds(*outer, *inner))) {
      errors.invalid(at, text, "must be a strict subset of `cidr`");
    }
  }
}

void validate_peer(FieldErrors& errors, const Path& path, const Value& peer) {
  const Value* block = peer.find("ipBlock");
  bool pods = peer.find("podSelector") != nullptr, namespaces = peer.find("namespaceSelector") != nullptr;
  validate_selector_at(errors, path, peer, "podSelector");
  validate_selector_at(errors, path, peer, "namespaceSelector");
  if (block != nullptr) {
    validate_block(errors, path.field("ipBlock"), *block);
    if (pods || namespaces) errors.forbidden(path, "may not specify both ipBlock and another peer");
  } else if (!pods && !namespaces) {
    errors.required(path, "must specify a peer");
  }
}

void validate_port(FieldErrors& errors, const Path& path, const Value& port) {
  if (std::string protocol = text_at(port, "protocol"); !protocol.empty()) {
    errors.one_of(path.field("protocol"), protocol, kProtocols);
  }
  const Value* number = port.find("port");
  const Value* end = port.find("endPort");
  const Path here = path.field("port"), last = path.field("endPort");
  if (number != nullptr && number->is_string()) {
    errors.problems(here, number->as_string(), port_name_problems(number->as_string()));
    if (end != nullptr) errors.invalid(last, int_at(port, "endPort"), "may not be specified when `port` is non-numeric");
  } else if (number != nullptr && number->is_int()) {
    bool good = errors.port(here, number->as_int());
    if (end == nullptr || !good || !errors.port(last, int_at(port, "endPort"))) return;
    if (int_at(port, "endPort") < number->as_int()) {
      errors.invalid(last, int_at(port, "endPort"), "must be greater than or equal to `port`");
    }
  } else if (end != nullptr) {
    errors.invalid(last, int_at(port, "endPort"), "may not be specified when `port` is not specified");
  }
}

void validate_rules(FieldErrors& errors, const Path& path, const Value& spec, std::string_view direction,
                    std::string_view peers) {
  const Path all = path.field(direction);
  size_t i = 0;
  for (const Value& rule : list_at(spec, direction)) {
    const Path here = all.index(i++);
    const Path ports = here.field("ports"), from = here.field(peers);
    size_t number = 0;
    for (const Value& port : list_at(rule, "ports")) validate_port(errors, ports.index(number++), port);
    number = 0;
    for (const Value& peer : list_at(rule, peers)) validate_peer(errors, from.index(number++), peer);
  }
}

}  // namespace

void validate_network_policy(FieldErrors& errors, const Value& fields) {
  const Path path("spec");
  const Value* spec = fields.find("spec");
  if (spec == nullptr || !spec->is_map()) return errors.required(path);
  validate_selector_at(errors, path, *spec, "podSelector");
  validate_rules(errors, path, *spec, "ingress", "from");
  validate_rules(errors, path, *spec, "egress", "to");
  const ValueList& types = list_at(*spec, "policyTypes");
  const Path at = path.field("policyTypes");
  if (types.size() > kMostTypes) {
    errors.invalid(at, static_cast<int64_t>(types.size()), "may not specify more than two policyTypes");
    return;
  }
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i].is_string()) errors.one_of(at.index(i), types[i].as_string(), kTypes);
  }
}

}  // namespace mainstay
