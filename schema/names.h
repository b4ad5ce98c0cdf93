// Kubernetes' rules for names, labels and keys, with its words for what is wrong.
// Each function returns all problems of a text; none if it is good. Source: apimachinery util/validation
// (1.33). Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/kind.h"

namespace mainstay {

using Problems = std::vector<std::string>;

// RFC 1123 label, at most 63: containers, volumes, namespaces.
Problems dns_label_problems(std::string_view text);
// RFC 1035 label, at most 63, starts with a letter: services.
Problems dns1035_label_problems(std::string_view text);
// RFC 1123 subdomain, at most 253: most objects.
Problems dns_subdomain_problems(std::string_view text);
// [prefix/]name: keys of labels and annotations, resource names, finalizers.
Problems qualified_name_problems(std::string_view text);
// A label's value, at most 63; may be empty.
Problems label_value_problems(std::string_view text);
// A port's name (IANA service name), at most 15.
Problems port_name_problems(std::string_view text);
// The name of an environment variable: printable ASCII without '='.
Problems env_name_problems(std::string_view text);
// A key of a ConfigMap or Secret.
Problems config_key_problems(std::string_view text);
// A name that stands in a URL path and may hold what others may not: RBAC objects.
Problems path_segment_problems(std::string_view text);
// The name of an object of `kind`.
Problems object_name_problems(Kind kind, std::string_view text);

// An IPv4 or IPv6 address; a network in CIDR notation.
bool is_ip(std::string_view text);
bool is_ipv4(std::string_view text);
bool is_cidr(std::string_view text);

}  // namespace mainstay
