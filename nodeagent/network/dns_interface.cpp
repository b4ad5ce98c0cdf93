#include "nodeagent/network/dns_interface.h"

#include <arpa/inet.h>

#include "nodeagent/process.h"

namespace mainstay {
namespace {

const char kDevice[] = "mainstay-dns";

Status run_ip(std::vector<std::string> words) {
  std::string program = find_program("ip");
  if (program.empty()) return error(ErrorCode::kNotFound, "the program `ip` is missing: install iproute2");
  ProcessSpec spec;
  spec.argv = {program};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  spec.env = plain_environment();
  Result<ProcessResult> result = run_process(spec);
  if (!result.ok()) return result.error();
  if (result->exit_code == 0) return {};
  std::string said = result->err.substr(0, result->err.find('\n'));
  ErrorCode code = ErrorCode::kFailed;
  if (said.find("File exists") != std::string::npos) code = ErrorCode::kExists;
  if (said.find("Cannot find device") != std::string::npos) code = ErrorCode::kNotFound;
  if (said.find("not permitted") != std::string::npos) code = ErrorCode::kDenied;
  if (said.find("Unknown device type") != std::string::npos) code = ErrorCode::kUnsupported;
  return error(code, "interface " + std::string(kDevice) + ": " + said);
}

// A bridge without ports holds an address as well where the kernel was built without dummy devices.
Status make_device() {
  Status made = run_ip({"link", "add", kDevice, "type", "dummy"});
  if (!made.ok() && made.error().code == ErrorCode::kUnsupported) {
    made = run_ip({"link", "add", kDevice, "type", "bridge"});
  }
  return !made.ok() && made.error().code == ErrorCode::kExists ? Status() : made;
}

}  // namespace

Status ensure_dns_interface(const std::string& address) {
  in_addr parsed{};
  if (inet_pton(AF_INET, address.c_str(), &parsed) != 1) {
    return error(ErrorCode::kInvalid, "the DNS address \"" + address + "\" is no IPv4 address");
  }
  RETURN_IF_ERROR(make_device());
  // The new address first: a restart of the agent must not take away the one in use.
  RETURN_IF_ERROR(run_ip({"address", "replace", address + "/32", "dev", kDevice}));
  ProcessSpec list;
  list.argv = {find_program("ip"), "-o", "-4", "address", "show", "dev", kDevice};
  list.env = plain_environment();
  ASSIGN_OR_RETURN(ProcessResult known, run_checked(list));
  for (size_t at = known.out.find("inet "); at != std::string::npos; at = known.out.find("inet ", at)) {
    at += 5;
    std::string other = known.out.substr(at, known.out.find_first_of(" /", at) - at);
    if (other != address) RETURN_IF_ERROR(run_ip({"address", "del", other + "/32", "dev", kDevice}));
  }
  return run_ip({"link", "set", kDevice, "up"});
}

Status remove_dns_interface() {
  Status removed = run_ip({"link", "del", kDevice});
  if (!removed.ok() && removed.error().code == ErrorCode::kNotFound) return {};
  return removed;
}

}  // namespace mainstay
