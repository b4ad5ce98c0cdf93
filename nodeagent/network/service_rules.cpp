#include "nodeagent/network/service_rules.h"

#include <nftables/libnftables.h>

#include <mutex>
#include <optional>
#include <utility>

#include "nodeagent/network/affinity.h"
#include "nodeagent/network/ipv4.h"
#include "nodeagent/network/netfilter_socket.h"
#include "nodeagent/network/netlink_message.h"
#include "nodeagent/network/nft_element.h"
#include "nodeagent/network/nft_structure.h"
#include "nodeagent/network/service_table.h"

namespace mainstay {
namespace {

struct NftContextCloser {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};
using NftContext = std::unique_ptr<nft_ctx, NftContextCloser>;

// Numbers instead of names everywhere: what NftTable promises, and what no file in /etc can change.
constexpr unsigned kPlain = NFT_CTX_OUTPUT_NUMERIC_ALL;

class KernelRules : public ServiceRules {
 public:
  KernelRules(const ServiceRulesOptions& options, NftContext nft, Fd socket)
      : table_(options.table),
        nft_(std::move(nft)),
        socket_(std::move(socket)),
        content_({options.node, options.table, options.dns_ip, options.dns_port}) {}

  Status apply(const NetworkState& state) override;
  Result<bool> repair() override;
  Status remove() override;
  std::vector<std::string> notes() const override;
  uint64_t loads() const override;

 private:
  Result<std::string> run(const std::string& commands);
  Status change(const std::string& commands, bool structure);
  Status change_elements(const NftElements& elements);
  Status change(const ServiceTableChange& wanted);
  Status load();
  Result<bool> is_intact();
  Status follow_up();
  Result<AffinityVerdict> judge_affinity_now();
  Status forget_affinity();

  const std::string table_;
  mutable std::mutex mutex_;
  NftContext nft_;       // all below guarded by mutex_
  const Fd socket_;
  ServiceTable content_;
  bool applied_ = false;    // content_ holds a state
  bool loaded_ = false;     // the kernel's table is content_'s, unless somebody touched it
  bool doubtful_ = true;    // somebody changed rules (perhaps not ours) at a moment we cannot tell from ours
  uint64_t loads_ = 0;
  uint32_t generation_ = 0;  // of the kernel's rules after our last change
  std::string structure_;    // nft_structure() after our last change of it
  // What follows a change and has not been done yet.
  std::map<std::string, std::set<std::string>> udp_fronts_;
  bool affinity_ = false;
};

Result<std::string> KernelRules::run(const std::string& commands) {
  int outcome = nft_run_cmd_from_buffer(nft_.get(), commands.c_str());
  nft_ctx* nft = nft_.get();
  const char* said = outcome == 0 ? nft_ctx_get_output_buffer(nft) : nft_ctx_get_error_buffer(nft);
  std::string text = said ? said : "";
  if (outcome == 0) return text;
  // Its first line says what is wrong; the next ones quote the command, which may be half a megabyte.
  std::string line = text.substr(0, std::min<size_t>(text.find('\n'), 500));
  ErrorCode code = ErrorCode::kFailed;
  if (line.find("No such file") != std::string::npos) code = ErrorCode::kNotFound;
  if (line.find("not permitted") != std::string::npos) code = ErrorCode::kDenied;
  return error(code, "nft table " + table_ + ": " + line);
}

// Runs commands that change the table. Notices whether anybody else changed rules in between.
Status KernelRules::change(const std::string& commands, bool structure) {
  ASSIGN_OR_RETURN(uint32_t before, rules_generation(socket_));
  auto outcome = run(commands);
  if (!outcome.ok()) return outcome.error();
  ASSIGN_OR_RETURN(uint32_t after, rules_generation(socket_));
  if (before != generation_ || after != before + 1) doubtful_ = true;
  if (structure) {
    ASSIGN_OR_RETURN(structure_, nft_structure(socket_, table_));
    ASSIGN_OR_RETURN(uint32_t now, rules_generation(socket_));
    if (now != after) doubtful_ = true;
  }
  generation_ = after;
  return {};
}

// What nearly all changes are, without libnftables: it would read all chains and definitions first, and take the texts
// apart. kConflict if others change rules all the time.
Status KernelRules::change_elements(const NftElements& elements) {
  Status outcome = failed("the elements have no short form");
  for (int attempts = 3; attempts > 0; --attempts) {
    auto batch = element_batch(table_, content_.table(), elements, generation_);
    if (!batch) return outcome;
    RETURN_IF_ERROR(send_messages(socket_, *batch));
    outcome = read_answers(socket_, false, [](std::string_view) {});
    if (outcome.ok()) {
      // One transaction, one generation; 0 is none.
      if (++generation_ == 0) ++generation_;
      return {};
    }
    if (outcome.error().code != ErrorCode::kConflict) return outcome;
    doubtful_ = true;
    ASSIGN_OR_RETURN(generation_, rules_generation(socket_));
  }
  return outcome;
}

Status KernelRules::change(const ServiceTableChange& wanted) {
  if (!wanted.elements.empty() && change_elements(wanted.elements).ok()) return {};
  return change(wanted.commands, wanted.structure);
}

Result<AffinityVerdict> KernelRules::judge_affinity_now() {
  std::string all;
  for (const std::string& command : list_affinity_commands(table_)) {
    ASSIGN_OR_RETURN(std::string listing, run(command));
    all += listing;
  }
  return judge_affinity(affinity_entries(split_listing(all)), content_.parts());
}

// The whole table, in one transaction. What packets have put into it comes along.
Status KernelRules::load() {
  loaded_ = false;
  std::string kept;
  if (auto there = judge_affinity_now(); there.ok()) kept = keep_commands(table_, there->kept);
  std::string commands = load_commands(table_, content_.table());
  ASSIGN_OR_RETURN(generation_, rules_generation(socket_));
  doubtful_ = false;
  Status outcome = change(commands + kept, true);
  if (!outcome.ok() && !kept.empty()) outcome = change(commands, true);
  RETURN_IF_ERROR(outcome);
  loaded_ = true;
  ++loads_;
  return {};
}

Result<bool> KernelRules::is_intact() {
  auto listing = run("list table ip " + table_);
  if (!listing.ok() && listing.error().code == ErrorCode::kNotFound) return false;
  if (!listing.ok()) return listing.error();
  ASSIGN_OR_RETURN(std::string structure, nft_structure(socket_, table_));
  return structure == structure_ && holds_elements(content_.table(), split_listing(*listing));
}

Status KernelRules::forget_affinity() {
  // An entry that expires between reading and deleting fails the whole batch.
  for (int attempts = 3;; --attempts) {
    ASSIGN_OR_RETURN(AffinityVerdict verdict, judge_affinity_now());
    if (verdict.stale.empty()) return {};
    Status outcome = change(forget_commands(table_, verdict.stale), false);
    if (outcome.ok() || attempts == 0) return outcome;
  }
}

// Connections and affinities that point where nothing is any more. Only after the rules lead elsewhere.
Status KernelRules::follow_up() {
  if (affinity_) {
    RETURN_IF_ERROR(forget_affinity());
    affinity_ = false;
  }
  if (udp_fronts_.empty()) return {};
  auto stale = [this](const UdpFlow& flow) {
    std::string port = "17 . " + std::to_string(flow.to_port);
    auto front = udp_fronts_.find(ipv4_text(flow.to) + " . " + port);
    if (front == udp_fronts_.end() && flow.translated) front = udp_fronts_.find(port);
    if (front == udp_fronts_.end()) return false;
    std::string endpoint = ipv4_text(flow.answers_from) + " . " + std::to_string(flow.answers_from_port);
    return front->second.count(endpoint) == 0;
  };
  auto forgotten = forget_udp_flows(socket_, stale);
  if (!forgotten.ok()) return forgotten.error().in("the rules hold, but old UDP connections stay");
  udp_fronts_.clear();
  return {};
}

Status KernelRules::apply(const NetworkState& state) {
  std::lock_guard<std::mutex> guard(mutex_);
  ServiceTableChange wanted = content_.update(state);
  applied_ = true;
  affinity_ = affinity_ || wanted.affinity;
  for (auto& [front, endpoints] : wanted.udp_fronts) udp_fronts_[front] = std::move(endpoints);
  bool done = loaded_ && wanted.commands.empty();
  if (loaded_ && !wanted.commands.empty()) done = change(wanted).ok();
  // Whatever the kernel disliked (somebody else may have taken a chain away) does not outlive a new
  // beginning.
  if (!done) RETURN_IF_ERROR(load());
  return follow_up();
}

Result<bool> KernelRules::repair() {
  std::lock_guard<std::mutex> guard(mutex_);
  if (!applied_) return false;
  bool mended = !loaded_;
  if (loaded_) {
    ASSIGN_OR_RETURN(uint32_t now, rules_generation(socket_));
    if (now != generation_ || doubtful_) {
      ASSIGN_OR_RETURN(bool intact, is_intact());
      mended = !intact;
      // Taken before the listing: what came after it is doubted the next time.
      generation_ = now;
      doubtful_ = false;
    }
  }
  if (mended) RETURN_IF_ERROR(load());
  RETURN_IF_ERROR(follow_up());
  return mended;
}

Status KernelRules::remove() {
  std::lock_guard<std::mutex> guard(mutex_);
  loaded_ = applied_ = false;
  auto removed = run("add table ip " + table_ + "\ndelete table ip " + table_ + "\n");
  return removed.ok() ? Status{} : Status(removed.error());
}

std::vector<std::string> KernelRules::notes() const {
  std::lock_guard<std::mutex> guard(mutex_);
  return content_.notes();
}

uint64_t KernelRules::loads() const {
  std::lock_guard<std::mutex> guard(mutex_);
  return loads_;
}

// nft's own grammar has no '-' in names, and a name must not begin with a digit.
bool good_table_name(const std::string& name) {
  if (name.empty() || name.size() > 64 || (name[0] >= '0' && name[0] <= '9')) return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
         std::string::npos;
}

}  // namespace

Result<std::unique_ptr<ServiceRules>> ServiceRules::open(const ServiceRulesOptions& options) {
  if (!good_table_name(options.table)) {
    return error(ErrorCode::kInvalid, "nft table name '" + options.table + "': use letters, digits and '_'");
  }
  if (!options.dns_ip.empty() && !parse_ipv4(options.dns_ip))
    return error(ErrorCode::kInvalid, "'" + options.dns_ip + "' is no IPv4 address a DNS server could have");
  ASSIGN_OR_RETURN(Fd socket, open_netfilter_socket());
  auto allowed = rules_generation(socket);
  if (!allowed.ok() && allowed.error().code == ErrorCode::kDenied) {
    return error(ErrorCode::kDenied, "packet rules need CAP_NET_ADMIN: start the agent as root");
  }
  if (!allowed.ok()) return allowed.error();
  NftContext nft(nft_ctx_new(NFT_CTX_DEFAULT));
  if (!nft) return failed("libnftables cannot start");
  nft_ctx_output_set_flags(nft.get(), kPlain);
  nft_ctx_buffer_output(nft.get());
  nft_ctx_buffer_error(nft.get());
  return std::unique_ptr<ServiceRules>(
      std::make_unique<KernelRules>(options, std::move(nft), std::move(socket)));
}

}  // namespace mainstay
