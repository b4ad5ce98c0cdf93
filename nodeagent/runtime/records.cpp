#include "nodeagent/runtime/records.h"

#include <charconv>
#include <csignal>
#include <map>

#include "schema/json.h"
#include "schema/message_json.h"

namespace mainstay {
namespace {

Value strings(const std::vector<std::string>& items) {
  Value list = Value::list();
  for (const std::string& item : items) list.push(item);
  return list;
}

Result<Value> read_map(std::string_view text, const char* what) {
  ASSIGN_OR_RETURN(Value value, read_json(text));
  if (!value.is_map()) return error(ErrorCode::kCorrupt, std::string(what) + " is not a JSON object");
  return value;
}

}  // namespace

std::string encode_record(const SandboxSpec& spec) {
  Value out = Value::map();
  out.set("uid", spec.uid);
  out.set("namespace", spec.ns);
  out.set("name", spec.name);
  out.set("number", static_cast<int64_t>(spec.number));
  out.set("hostname", spec.hostname);
  out.set("netns", spec.netns);
  out.set("hostNetwork", spec.host_network);
  out.set("hostIPC", spec.host_ipc);
  out.set("hostPID", spec.host_pid);
  out.set("sharePID", spec.share_pid);
  Value sysctls = Value::map();
  for (const auto& [name, value] : spec.sysctls) sysctls.set(name, value);
  out.set("sysctls", std::move(sysctls));
  return to_json(out);
}

Result<SandboxSpec> decode_sandbox_record(std::string_view text) {
  ASSIGN_OR_RETURN(Value value, read_map(text, "sandbox record"));
  SandboxSpec out;
  out.uid = text_at(value, "uid");
  out.ns = text_at(value, "namespace");
  out.name = text_at(value, "name");
  out.number = static_cast<uint64_t>(int_at(value, "number"));
  out.hostname = text_at(value, "hostname");
  out.netns = text_at(value, "netns");
  out.host_network = flag_at(value, "hostNetwork");
  out.host_ipc = flag_at(value, "hostIPC");
  out.host_pid = flag_at(value, "hostPID");
  out.share_pid = flag_at(value, "sharePID");
  const Value* sysctls = value.find("sysctls");
  if (sysctls == nullptr || !sysctls->is_map()) return out;
  for (const Member& member : sysctls->as_map()) {
    if (member.value.is_string()) out.sysctls.emplace_back(member.name, member.value.as_string());
  }
  return out;
}

std::string encode_record(const ContainerRecord& record) {
  const RuntimeContainer& container = record.container;
  Value out = Value::map();
  out.set("uid", container.key.uid);
  out.set("container", container.key.container);
  out.set("attempt", static_cast<int64_t>(container.key.attempt));
  out.set("number", static_cast<int64_t>(container.number));
  out.set("note", container.note);
  out.set("imageName", container.image_name);
  out.set("imageId", container.image_id);
  out.set("imageDigest", container.image_digest);
  out.set("layers", strings(container.layers));
  out.set("notes", strings(container.notes));
  out.set("stopSignal", record.stop_signal);
  out.set("hostPID", record.host_pid);
  out.set("messageFromLog", record.message_from_log);
  out.set("startedAtMicros", static_cast<int64_t>(record.started_at.since_epoch.count()));
  return to_json(out);
}

Result<ContainerRecord> decode_container_record(std::string_view text) {
  ASSIGN_OR_RETURN(Value value, read_map(text, "container record"));
  ContainerRecord out;
  out.container.key = {text_at(value, "uid"), text_at(value, "container"),
                       static_cast<uint32_t>(int_at(value, "attempt"))};
  out.container.number = static_cast<uint64_t>(int_at(value, "number"));
  out.container.note = text_at(value, "note");
  out.container.image_name = text_at(value, "imageName");
  out.container.image_id = text_at(value, "imageId");
  out.container.image_digest = text_at(value, "imageDigest");
  out.container.layers = strings_at(value, "layers");
  out.container.notes = strings_at(value, "notes");
  out.stop_signal = text_at(value, "stopSignal");
  out.host_pid = flag_at(value, "hostPID");
  out.message_from_log = flag_at(value, "messageFromLog");
  out.started_at.since_epoch = Duration(int_at(value, "startedAtMicros"));
  return out;
}

int signal_number(std::string_view name) {
  int number = 0;
  auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (!name.empty() && problem == std::errc() && end == name.data() + name.size()) {
    return number >= 1 && number <= 64 ? number : SIGTERM;
  }
  if (name.starts_with("SIG")) name.remove_prefix(3);
  static const std::map<std::string_view, int> kSignals = {
      {"HUP", SIGHUP},   {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"ABRT", SIGABRT}, {"KILL", SIGKILL},
      {"USR1", SIGUSR1}, {"USR2", SIGUSR2},   {"PIPE", SIGPIPE}, {"ALRM", SIGALRM}, {"TERM", SIGTERM},
      {"CONT", SIGCONT}, {"STOP", SIGSTOP},   {"TSTP", SIGTSTP}, {"WINCH", SIGWINCH}, {"PWR", SIGPWR},
      {"URG", SIGURG},   {"RTMIN", SIGRTMIN}, {"RTMAX", SIGRTMAX}};
  if (auto found = kSignals.find(name); found != kSignals.end()) return found->second;
  if (name.starts_with("RTMIN+")) {
    name.remove_prefix(6);
    auto [rest, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (wrong == std::errc() && rest == name.data() + name.size() && number >= 0 &&
        SIGRTMIN + number <= SIGRTMAX) {
      return SIGRTMIN + number;
    }
  }
  return SIGTERM;
}

}  // namespace mainstay
