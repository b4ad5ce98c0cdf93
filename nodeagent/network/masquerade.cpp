#include "nodeagent/network/masquerade.h"

#include <arpa/inet.h>
#include <nftables/libnftables.h>

#include <charconv>
#include <memory>

namespace mainstay {
namespace {

struct ContextCloser {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

}  // namespace

std::string masquerade_commands(const MasqueradeRules& rules) {
  // "add, delete, define" is nft's way to replace a table that may not exist.
  std::string table = "ip " + rules.table;
  return "add table " + table + "\ndelete table " + table + "\ntable " + table +
         " {\n"
         "  chain outbound {\n"
         "    type nat hook postrouting priority srcnat; policy accept;\n"
         "    ip saddr " + rules.node_cidr + " ip daddr != " + rules.cluster_cidr +
         " ip daddr != 224.0.0.0/4 masquerade\n"
         "  }\n"
         "}\n";
}

Result<std::string> run_nft(const std::string& commands) {
  std::unique_ptr<nft_ctx, ContextCloser> context(nft_ctx_new(NFT_CTX_DEFAULT));
  if (!context) return failed("libnftables cannot start");
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  int outcome = nft_run_cmd_from_buffer(context.get(), commands.c_str());
  const char* out = nft_ctx_get_output_buffer(context.get());
  if (outcome == 0) return std::string(out ? out : "");
  const char* said = nft_ctx_get_error_buffer(context.get());
  std::string message = said ? said : "";
  ErrorCode code = ErrorCode::kFailed;
  if (message.find("No such file") != std::string::npos) code = ErrorCode::kNotFound;
  if (message.find("not permitted") != std::string::npos) code = ErrorCode::kDenied;
  return error(code, "nft: " + message.substr(0, message.find('\n')));
}

Status remove_nft_table(const std::string& table) {
  // Adding it first makes one that is not there no error.
  std::string named = "table ip " + table + "\n";
  Result<std::string> removed = run_nft("add " + named + "delete " + named);
  return removed.ok() ? Status{} : Status(removed.error());
}

Status check_cidr(const std::string& cidr) {
  size_t slash = cidr.find('/');
  unsigned prefix = 0;
  in_addr address{};
  bool fine = slash != std::string::npos && inet_pton(AF_INET, cidr.substr(0, slash).c_str(), &address) == 1;
  if (fine) {
    const char* end = cidr.data() + cidr.size();
    auto [rest, problem] = std::from_chars(cidr.data() + slash + 1, end, prefix);
    fine = problem == std::errc() && rest == end && prefix >= 8 && prefix <= 30;
  }
  if (fine) fine = (ntohl(address.s_addr) & ((1u << (32 - prefix)) - 1)) == 0;
  if (fine) return {};
  return error(ErrorCode::kInvalid,
               "'" + cidr + "' is no range of IPv4 addresses such as 10.88.0.0/24 (prefix 8 to 30)");
}

}  // namespace mainstay
