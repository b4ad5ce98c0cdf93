#include "nodeagent/network/nft_structure.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <algorithm>

#include "nodeagent/network/netlink_message.h"

namespace mainstay {
namespace {

// One kind of things in a table: how they are asked for, and which of their attributes move by themselves.
struct Part {
  uint16_t ask;
  uint16_t table;     // the attribute that names the table
  uint16_t moving;    // how often a chain is used: elements lead to it
  uint16_t last;      // later attributes count elements
};

constexpr Part kParts[] = {
    {NFT_MSG_GETCHAIN, NFTA_CHAIN_TABLE, NFTA_CHAIN_USE, NFTA_CHAIN_USERDATA},
    {NFT_MSG_GETSET, NFTA_SET_TABLE, NFTA_SET_PAD, NFTA_SET_EXPRESSIONS},
    {NFT_MSG_GETRULE, NFTA_RULE_TABLE, NFTA_RULE_PAD, NFTA_RULE_CHAIN_ID},
};

}  // namespace

Result<std::string> nft_structure(const Fd& socket, const std::string& table) {
  std::string out;
  for (const Part& part : kParts) {
    NetfilterMessage message;
    message.type = static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | part.ask);
    message.flags = NLM_F_DUMP;
    add_name(message.attributes, part.table, table);
    RETURN_IF_ERROR(send_messages(socket, encode_message(message)));
    RETURN_IF_ERROR(read_answers(socket, true, [&](std::string_view attributes) {
      // Old kernels tell of other tables' chains, too.
      std::string_view owner = find_attribute(attributes, part.table);
      if (owner.substr(0, owner.find('\0')) != table) return;
      each_attribute(attributes, [&](uint16_t type, std::string_view payload) {
        if (type == part.moving || type > part.last) return;
        add_attribute(out, type, payload);
      });
    }));
  }
  return out;
}

}  // namespace mainstay
