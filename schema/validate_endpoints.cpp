// Validation of EndpointSlices and Endpoints. Source: Kubernetes discovery/validation, core/validation.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <set>
#include <string>

#include "schema/message_json.h"
#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kProtocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::string_view kAddressTypes[] = {"FQDN", "IPv4", "IPv6"};

// Of an Endpoints object: its lists are kept as Values.
void validate_address(FieldErrors& errors, const Path& path, const Value& address) {
  if (const Value* ip = address.find("ip"); ip != nullptr && ip->is_string()) {
    validate_no_special(errors, path.field("ip"), ip->as_string());
  }
  if (std::string hostname = text_at(address, "hostname"); !hostname.empty()) {
    errors.problems(path.field("hostname"), hostname, dns_label_problems(hostname));
  }
  if (const Value* node = address.find("nodeName"); node != nullptr && node->is_string()) {
    errors.problems(path.field("nodeName"), node->as_string(), dns_subdomain_problems(node->as_string()));
  }
}

void validate_endpoints_port(FieldErrors& errors, const Path& path, const Value& port, bool needs_name) {
  std::string name = text_at(port, "name");
  if (!name.empty()) {
    errors.problems(path.field("name"), name, dns_label_problems(name));
  } else if (needs_name) {
    errors.required(path.field("name"));
  }
  if (port.find("port") != nullptr) errors.port(path.field("port"), int_at(port, "port"));
  errors.one_of(path.field("protocol"), port.string_at("protocol"), kProtocols);
  validate_qualified(errors, path.field("appProtocol"), port.find("appProtocol"));
}

}  // namespace

void validate_no_special(FieldErrors& errors, const Path& path, const std::string& text) {
  in_addr v4{};
  in6_addr v6{};
  bool is_v4 = inet_pton(AF_INET, text.c_str(), &v4) == 1;
  bool is_v6 = !is_v4 && inet_pton(AF_INET6, text.c_str(), &v6) == 1;
  if (!is_ip(text) || (!is_v4 && !is_v6)) return errors.invalid(path, text, kIpRule);
  uint32_t bits = ntohl(v4.s_addr);
  auto is = [&](bool of_v4, bool of_v6) { return is_v4 ? of_v4 : of_v6; };
  if (is(bits == 0, IN6_IS_ADDR_UNSPECIFIED(&v6))) {
    errors.invalid(path, text, "may not be unspecified (" + text + ")");
  } else if (is(bits >> 24 == 127, IN6_IS_ADDR_LOOPBACK(&v6))) {
    errors.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  } else if (is(bits >> 16 == 0xA9FE, IN6_IS_ADDR_LINKLOCAL(&v6))) {
    errors.invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  } else if (is(bits >> 8 == 0xE00000, IN6_IS_ADDR_MC_LINKLOCAL(&v6))) {
    errors.invalid(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

void validate_qualified(FieldErrors& errors, const Path& path, const Value* name) {
  if (name == nullptr || !name->is_string()) return;
  errors.problems(path, name->as_string(), qualified_name_problems(name->as_string()));
}

void validate_endpoints(FieldErrors& errors, const Value& fields) {
  const Path subsets("subsets");
  size_t number = 0;
  for (const Value& subset : list_at(fields, "subsets")) {
    const Path here = subsets.index(number++);
    if (list_at(subset, "addresses").empty() && list_at(subset, "notReadyAddresses").empty()) {
      errors.required(here, "must specify `addresses` or `notReadyAddresses`");
    }
    for (std::string_view list : {"addresses", "notReadyAddresses"}) {
      const Path addresses = here.field(list);
      size_t i = 0;
      for (const Value& address : list_at(subset, list)) validate_address(errors, addresses.index(i++), address);
    }
    const ValueList& ports = list_at(subset, "ports");
    const Path at = here.field("ports");
    for (size_t i = 0; i < ports.size(); ++i) {
      validate_endpoints_port(errors, at.index(i), ports[i], ports.size() > 1);
    }
  }
}

void validate_endpoint_slice(FieldErrors& errors, const EndpointSlice& slice) {
  constexpr size_t kMostAddresses = 100;
  errors.one_of(Path("addressType"), slice.address_type, kAddressTypes);
  const Path endpoints("endpoints"), ports("ports");
  for (size_t i = 0; i < slice.endpoints.size(); ++i) {
    const Path here = endpoints.index(i);
    const Path addresses = here.field("addresses");
    const std::vector<std::string>& list = slice.endpoints[i].addresses;
    if (list.empty()) errors.required(addresses, "must contain at least 1 address");
    if (list.size() > kMostAddresses) {
      errors.invalid(addresses, static_cast<int64_t>(list.size()), "must have at most 100 items");
    }
    for (size_t a = 0; a < list.size(); ++a) {
      bool good = slice.address_type == "IPv4" ? is_ipv4(list[a])
                  : slice.address_type == "IPv6" ? is_ip(list[a]) && !is_ipv4(list[a])
                                                 : dns_subdomain_problems(list[a]).empty();
      if (!good) {
        errors.invalid(addresses.index(a), list[a], "must be an address of type " + slice.address_type);
      } else if (slice.address_type != "FQDN") {
        validate_no_special(errors, addresses.index(a), list[a]);
      }
    }
  }
  std::set<std::string_view> names;
  for (size_t i = 0; i < slice.ports.size(); ++i) {
    const Path here = ports.index(i);
    if (!names.insert(slice.ports[i].name).second) errors.duplicate(here.field("name"), slice.ports[i].name);
    if (slice.ports[i].port) errors.port(here.field("port"), *slice.ports[i].port);
    errors.one_of(here.field("protocol"), slice.ports[i].protocol, kProtocols);
    const Box<Value>& carried = slice.ports[i].carried;
    validate_qualified(errors, here.field("appProtocol"), carried ? carried->find("appProtocol") : nullptr);
  }
}

}  // namespace mainstay
