#include "nodeagent/container_env.h"

#include <algorithm>

#include "nodeagent/downward_api.h"

namespace mainstay {
namespace {

Error missing(std::string_view what, std::string_view name) {
  return error(ErrorCode::kInvalid, std::string(what) + " \"" + std::string(name) + "\" not found");
}

// Relaxed as since Kubernetes 1.30: printable ASCII without '='.
bool is_variable_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](unsigned char c) { return c > ' ' && c < 0x7f && c != '='; });
}

// What an EnvVarSource stands for; nothing if it is optional and missing.
Result<std::optional<std::string>> source_value(const Object& pod, const Container& container,
                                                const EnvVarSource& source, const NodeConfig& config,
                                                const PodAddresses& addresses, const NodeFacts& node) {
  const std::string& ns = pod.meta.ns;
  if (source.field_ref) {
    ASSIGN_OR_RETURN(std::string value, field_value(pod, source.field_ref->field_path, addresses));
    return std::optional(std::move(value));
  }
  if (source.resource_field_ref) {
    ASSIGN_OR_RETURN(std::string value, resource_value(pod, &container, *source.resource_field_ref, node));
    return std::optional(std::move(value));
  }
  if (source.config_map_key_ref) {
    const ConfigMapKeySelector& ref = *source.config_map_key_ref;
    ObjectPtr object = find_object(config.config_maps, ns, ref.name);
    const std::string* value = object ? map_find(as<ConfigMap>(*object).data, ref.key) : nullptr;
    if (value != nullptr) return std::optional(*value);
    if (ref.optional.value_or(false)) return std::optional<std::string>();
    if (!object) return missing("configmap", ref.name);
    return error(ErrorCode::kInvalid,
                 "couldn't find key " + ref.key + " in ConfigMap " + ns + "/" + ref.name);
  }
  if (source.secret_key_ref) {
    const SecretKeySelector& ref = *source.secret_key_ref;
    ObjectPtr object = find_object(config.secrets, ns, ref.name);
    const std::string* value = object ? map_find(as<Secret>(*object).data, ref.key) : nullptr;
    if (value != nullptr) return std::optional(*value);
    if (ref.optional.value_or(false)) return std::optional<std::string>();
    if (!object) return missing("secret", ref.name);
    return error(ErrorCode::kInvalid, "couldn't find key " + ref.key + " in Secret " + ns + "/" + ref.name);
  }
  return std::optional<std::string>("");
}

class Builder {
 public:
  void set(const std::string& name, std::string value) {
    if (variables_.insert_or_assign(name, std::move(value)).second) order_.push_back(name);
  }
  void take(const StringMap& data, const std::string& prefix, std::vector<std::string>& skipped) {
    for (const auto& [key, value] : data) {
      std::string name = prefix + key;
      if (is_variable_name(name))
        set(name, value);
      else
        skipped.push_back(name);
    }
  }
  const std::map<std::string, std::string>& variables() const { return variables_; }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const std::string& name : order_) out.push_back(name + "=" + variables_.at(name));
    return out;
  }

 private:
  std::map<std::string, std::string> variables_;
  std::vector<std::string> order_;
};

Status add_env_from(Builder& builder, const Object& pod, const EnvFromSource& source,
                    const NodeConfig& config, std::vector<std::string>& skipped) {
  if (source.config_map_ref) {
    ObjectPtr object = find_object(config.config_maps, pod.meta.ns, source.config_map_ref->name);
    if (object) {
      builder.take(as<ConfigMap>(*object).data, source.prefix, skipped);
    } else if (!source.config_map_ref->optional.value_or(false)) {
      return missing("configmap", source.config_map_ref->name);
    }
  }
  if (source.secret_ref) {
    ObjectPtr object = find_object(config.secrets, pod.meta.ns, source.secret_ref->name);
    if (object) {
      builder.take(as<Secret>(*object).data, source.prefix, skipped);
    } else if (!source.secret_ref->optional.value_or(false)) {
      return missing("secret", source.secret_ref->name);
    }
  }
  return {};
}

}  // namespace

namespace {

// Expands; calls unknown(name) for what is not known, which then stays as it stands.
template <typename Unknown>
std::string expand(std::string_view text, const std::map<std::string, std::string>& variables,
                   const Unknown& unknown) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    if (text[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    size_t close = text[i + 1] == '(' ? text.find(')', i + 2) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += '$';
      continue;
    }
    std::string name(text.substr(i + 2, close - i - 2));
    auto found = variables.find(name);
    if (found != variables.end()) {
      out += found->second;
    } else {
      out += text.substr(i, close - i + 1);
      unknown(name);
    }
    i = close;
  }
  return out;
}

}  // namespace

std::string expand_variables(std::string_view text, const std::map<std::string, std::string>& variables) {
  return expand(text, variables, [](const std::string&) {});
}

Result<std::string> expand_all_variables(std::string_view text,
                                         const std::map<std::string, std::string>& variables) {
  std::string missing_name;
  std::string out = expand(text, variables, [&](const std::string& name) { missing_name = name; });
  if (!missing_name.empty()) {
    return error(ErrorCode::kInvalid, "missing value for \"" + missing_name + "\"");
  }
  return out;
}

Result<ContainerEnvironment> container_environment(const Object& pod, const Container& container,
                                                   const NodeConfig& config, const PodAddresses& addresses,
                                                   const NodeFacts& node) {
  ContainerEnvironment out;
  Builder builder;
  // Services first, so that whatever the manifest says wins over them.
  if (config.network) {
    for (auto& [name, value] : service_variables(pod, *config.network)) builder.set(name, std::move(value));
  }
  for (const EnvFromSource& source : container.env_from) {
    RETURN_IF_ERROR(add_env_from(builder, pod, source, config, out.skipped));
  }
  for (const EnvVar& env : container.env) {
    if (!env.value_from) {
      builder.set(env.name, expand_variables(env.value, builder.variables()));
      continue;
    }
    ASSIGN_OR_RETURN(auto value, source_value(pod, container, *env.value_from, config, addresses, node));
    if (value) builder.set(env.name, std::move(*value));
  }
  for (const std::string& word : container.command) {
    out.command.push_back(expand_variables(word, builder.variables()));
  }
  for (const std::string& word : container.args)
    out.args.push_back(expand_variables(word, builder.variables()));
  out.env = builder.lines();
  out.variables = builder.variables();
  return out;
}

}  // namespace mainstay
