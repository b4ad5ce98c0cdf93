#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kManagedFieldsEntryFields[] = {
    {"manager", &kStringType, Card::kOne, 0, 1},
    {"operation", &kStringType, Card::kOne, 0, 2},
    {"apiVersion", &kStringType, Card::kOne, 0, 3},
    {"time", &kTimeType, Card::kOne, 0, 4},
    {"fieldsType", &kStringType, Card::kOne, 0, 6},
    {"fieldsV1", &kRawType, Card::kOne, 0, 7},
    {"subresource", &kStringType, Card::kOne, 0, 8},
};

}  // namespace

namespace described {

constinit const TypeDesc ManagedFieldsEntry{Shape::kStruct, "ManagedFieldsEntry", kManagedFieldsEntryFields};

}  // namespace described
}  // namespace mainstay
