// nft tables that agents with another data directory have made in this network namespace. An agent that is gone for
// good leaves its tables, and they go on leading connections where they led.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"

namespace mainstay {

// Of what `nft list tables ip` says: our kind of names, except `own` and what belongs to it ("mainstay_1a2b" with
// "_services" and "_ports"). Sorted. Pure.
std::vector<std::string> other_tables(std::string_view listing, const std::string& own);

// A sentence about them for the log; "" if there are none. kDenied without CAP_NET_ADMIN.
Result<std::string> other_tables_warning(const std::string& own);

}  // namespace mainstay
