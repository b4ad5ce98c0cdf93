// Namespaces that are always there. Core thread only.
#pragma once

#include <array>
#include <string_view>

namespace mainstay {

// The namespace controller makes them when they are missing; the first three cannot be deleted.
inline constexpr std::array<std::string_view, 4> kDefaultNamespaces = {
    "default", "kube-system", "kube-public", "kube-node-lease"};

}  // namespace mainstay
