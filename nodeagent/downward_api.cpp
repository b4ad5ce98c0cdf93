#include "nodeagent/downward_api.h"

#include <algorithm>
#include <cctype>

#include "schema/base/lower.h"
#include "schema/utf8.h"

namespace mainstay {
namespace {

// metadata.labels['key'] -> key; "" if `path` is not of that form.
std::string_view subscript(std::string_view path, std::string_view base) {
  if (!path.starts_with(base) || !path.substr(base.size()).starts_with("['") || !path.ends_with("']")) return "";
  return path.substr(base.size() + 2, path.size() - base.size() - 4);
}

std::string entry_of(const StringMap& map, std::string_view key) {
  const std::string* value = map_find(map, key);
  return value != nullptr ? *value : "";
}

void append_escape(std::string& out, unsigned char c) {
  constexpr std::string_view kNamed = "\a\b\f\n\r\t\v\\\"", kLetters = "abfnrtv\\\"";
  constexpr char kHex[] = "0123456789abcdef";
  size_t at = kNamed.find(static_cast<char>(c));
  out += '\\';
  if (at != std::string_view::npos) {
    out += kLetters[at];
  } else {
    out += 'x';
    out += kHex[c >> 4];
    out += kHex[c & 15];
  }
}

// As Go's %q writes it, which readers of these files parse: text stays, control characters are escaped.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  bool utf8 = utf8_valid_prefix(text) == text.size();
  for (unsigned char c : text) {
    bool plain = (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') || (c >= 0x80 && utf8);
    if (plain) {
      out += static_cast<char>(c);
    } else {
      append_escape(out, c);
    }
  }
  return out + '"';
}

std::string lines_of(const StringMap& map) {
  std::string out;
  for (const auto& [key, value] : map) {
    if (!out.empty()) out += '\n';
    out += key + "=" + quoted(value);
  }
  return out;
}

const Container* find_container(const PodSpec& spec, std::string_view name) {
  for (const auto* list : {&spec.containers, &spec.init_containers}) {
    for (const Container& candidate : *list) {
      if (candidate.name == name) return &candidate;
    }
  }
  return nullptr;
}

int64_t rounded_up(int64_t amount, int64_t divisor) {
  if (divisor <= 0 || amount <= 0) return 0;
  return amount / divisor + (amount % divisor != 0 ? 1 : 0);
}

// "my-db" -> "MY_DB".
std::string variable_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    c = c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

}  // namespace

Result<std::string> field_value(const Object& pod, std::string_view path, const PodAddresses& addresses) {
  const PodSpec& spec = as<Pod>(pod).spec;
  if (path == "metadata.name") return pod.meta.name;
  if (path == "metadata.namespace") return pod.meta.ns;
  if (path == "metadata.uid") return pod.meta.uid;
  if (path == "metadata.labels") return lines_of(pod.meta.labels);
  if (path == "metadata.annotations") return lines_of(pod.meta.annotations);
  if (path == "spec.nodeName") return spec.node_name;
  if (path == "spec.serviceAccountName") return spec.service_account_name;
  if (path == "status.podIP" || path == "status.podIPs") return addresses.pod_ip;
  if (path == "status.hostIP" || path == "status.hostIPs") return addresses.host_ip;
  if (std::string_view key = subscript(path, "metadata.labels"); !key.empty()) {
    return entry_of(pod.meta.labels, key);
  }
  if (std::string_view key = subscript(path, "metadata.annotations"); !key.empty()) {
    return entry_of(pod.meta.annotations, key);
  }
  return error(ErrorCode::kInvalid, "unsupported fieldPath: " + std::string(path));
}

Result<std::string> resource_value(const Object& pod, const Container* own, const ResourceFieldSelector& ref,
                                   const NodeFacts& node) {
  const Container* container =
      ref.container_name.empty() ? own : find_container(as<Pod>(pod).spec, ref.container_name);
  if (container == nullptr) {
    return error(ErrorCode::kInvalid, "container " + ref.container_name + " not found");
  }
  size_t dot = ref.resource.find('.');
  std::string_view list = std::string_view(ref.resource).substr(0, dot);
  std::string_view name = dot == std::string::npos ? "" : std::string_view(ref.resource).substr(dot + 1);
  bool limit = list == "limits";
  if (name.empty() || (!limit && list != "requests")) {
    return error(ErrorCode::kInvalid, "unsupported container resource: " + ref.resource);
  }
  const Quantity* found = map_find(limit ? container->resources.limits : container->resources.requests, name);
  if (found == nullptr && limit) found = map_find(node.allocatable, name);
  Quantity quantity = found != nullptr ? *found : Quantity();
  // Fractions count for processors only.
  bool in_milli = name == "cpu";
  int64_t divisor = in_milli ? ref.divisor.milli() : ref.divisor.units();
  if (divisor <= 0) divisor = in_milli ? 1000 : 1;
  return std::to_string(rounded_up(in_milli ? quantity.milli() : quantity.units(), divisor));
}

std::vector<std::pair<std::string, std::string>> service_variables(const Object& pod,
                                                                   const NetworkState& network) {
  std::vector<std::pair<std::string, std::string>> out;
  bool links = as<Pod>(pod).spec.enable_service_links.value_or(true);
  for (const auto& [key, shared] : network.services) {
    const NetworkService& service = *shared;
    bool master = service.ns == "default" && service.name == "kubernetes";
    if (!master && (!links || service.ns != pod.meta.ns)) continue;
    if (service.cluster_ip.empty() || service.cluster_ip == "None" || service.ports.empty()) continue;
    std::string name = variable_name(service.name);
    const NetworkServicePort& first = service.ports.front();
    out.emplace_back(name + "_SERVICE_HOST", service.cluster_ip);
    out.emplace_back(name + "_SERVICE_PORT", std::to_string(first.port));
    for (const NetworkServicePort& port : service.ports) {
      if (port.name.empty()) continue;
      out.emplace_back(name + "_SERVICE_PORT_" + variable_name(port.name), std::to_string(port.port));
    }
    for (const NetworkServicePort& port : service.ports) {
      std::string protocol = lower_ascii(port.protocol);
      std::string number = std::to_string(port.port);
      std::string url = protocol + "://" + service.cluster_ip + ":" + number;
      std::string prefix = name + "_PORT_" + number + "_" + variable_name(port.protocol);
      if (&port == &first) out.emplace_back(name + "_PORT", url);
      out.emplace_back(prefix, url);
      out.emplace_back(prefix + "_PROTO", protocol);
      out.emplace_back(prefix + "_PORT", number);
      out.emplace_back(prefix + "_ADDR", service.cluster_ip);
    }
  }
  return out;
}

}  // namespace mainstay
