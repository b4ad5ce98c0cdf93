#include "nodeagent/network/other_tables.h"

#include <algorithm>

#include "nodeagent/network/masquerade.h"

namespace mainstay {
namespace {

// All tables of one agent begin with its name, which the default data directory's is a beginning of.
std::string agent_of(std::string name) {
  for (std::string_view part : {"_services", "_ports"}) {
    if (name.ends_with(part)) name.resize(name.size() - part.size());
  }
  return name;
}

}  // namespace

std::vector<std::string> other_tables(std::string_view listing, const std::string& own) {
  constexpr std::string_view kBegin = "table ip mainstay";
  std::vector<std::string> out;
  for (size_t at = 0; at < listing.size();) {
    size_t end = std::min(listing.find('\n', at), listing.size());
    std::string_view line = listing.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(kBegin)) continue;
    std::string name(line.substr(line.rfind(' ') + 1));
    bool whole_word = name == "mainstay" || name.starts_with("mainstay_");
    if (whole_word && agent_of(name) != own) out.push_back(std::move(name));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::string> other_tables_warning(const std::string& own) {
  ASSIGN_OR_RETURN(std::string listing, run_nft("list tables ip"));
  std::string names, commands;
  for (const std::string& name : other_tables(listing, own)) {
    names += (names.empty() ? "" : ", ") + name;
    commands += (commands.empty() ? "`" : "; ") + ("nft delete table ip " + name);
  }
  if (names.empty()) return names;
  return "packet rules of an agent with another data directory are here (nft: " + names +
         "); if that agent is gone they lead connections astray: `mainstay agent --remove-network --data-dir` with its "
         "directory takes them away, or " +
         commands + "`";
}

}  // namespace mainstay
