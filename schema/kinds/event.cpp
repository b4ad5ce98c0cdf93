#include "schema/kinds/event.h"

#include <cstddef>

#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kEventSourceFields[] = {
    {"component", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(EventSource, component)},
    {"host", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(EventSource, host)},
};

constexpr FieldDesc kEventFields[] = {
    {"involvedObject", &ObjectReference::kType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(Event, involved_object)},
    {"reason", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(Event, reason)},
    {"message", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(Event, message)},
    {"source", &EventSource::kType, Card::kOne, kEmitZero, 5, "", "", NATIVE(Event, source)},
    {"firstTimestamp", &kTimeType, Card::kOne, 0, 6, "", "", NATIVE(Event, first_timestamp)},
    {"lastTimestamp", &kTimeType, Card::kOne, 0, 7, "", "", NATIVE(Event, last_timestamp)},
    {"count", &kInt32Type, Card::kOne, 0, 8, "", "", NATIVE(Event, count)},
    {"type", &kStringType, Card::kOne, 0, 9, "", "", NATIVE(Event, type)},
    {"eventTime", &kMicroTimeType, Card::kOne, 0, 10, "", "", NATIVE(Event, event_time)},
    {"series", &described::EventSeries, Card::kOne, 0, 11},
    {"action", &kStringType, Card::kOne, 0, 12, "", "", NATIVE(Event, action)},
    {"related", &ObjectReference::kType, Card::kOne, 0, 13, "", "", NATIVE(Event, related)},
    {"reportingComponent", &kStringType, Card::kOne, kEmitZero, 14, "", "",
      NATIVE(Event, reporting_component)},
    {"reportingInstance", &kStringType, Card::kOne, kEmitZero, 15, "", "",
      NATIVE(Event, reporting_instance)},
};

}  // namespace

constinit const TypeDesc EventSource::kType =
    struct_type<EventSource>("EventSource", kEventSourceFields);
constinit const TypeDesc Event::kType =
    struct_type<Event>("Event", kEventFields);

}  // namespace mainstay
