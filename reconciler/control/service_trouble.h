// A Service's own record of what it could not get: a condition of its status, and an event. Core thread only.
#pragma once

#include <string>
#include <string_view>

#include "reconciler/store/lifecycle.h"
#include "schema/base/time.h"
#include "schema/object.h"

namespace mainstay {

// Sets condition `type` to False with this reason and message, or takes it out if `trouble` is empty. Returns
// whether that changed anything.
bool set_service_trouble(Object& service, std::string_view type, std::string_view reason,
                         const std::string& trouble, WallTime now);

inline constexpr std::string_view kServiceController = "service-controller";
// A warning of `source` about the Service.
void note_service_trouble(Transaction& txn, const Object& service, std::string_view reason, const std::string& trouble,
                          std::string_view source = kServiceController);

}  // namespace mainstay
