// Event: what happened to an object, with a count.
// Field names and meaning: the Kubernetes API, 1.33. Members not listed here
// are carried (schema/descriptor.h). Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/kinds/meta.h"

namespace mainstay {

struct EventSource {
  std::string component;
  std::string host;

  static const TypeDesc kType;
};

struct Event {
  ObjectReference involved_object;
  std::string reason;
  std::string message;
  EventSource source;
  WallTime first_timestamp;
  WallTime last_timestamp;
  int32_t count = 0;
  std::string type;
  WallTime event_time;
  std::string action;
  Box<ObjectReference> related;
  std::string reporting_component;
  std::string reporting_instance;
  Box<Value> carried;

  static const TypeDesc kType;
};

}  // namespace mainstay
