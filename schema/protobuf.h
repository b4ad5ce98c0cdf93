// Kubernetes' protobuf encoding of objects, decoded along descriptors into Values. Clients built on
// client-go 0.32 and later (kubectl create deployment, helm) send it and know no way back to JSON, so it must
// be read; it never has to be written. Source: apimachinery runtime/serializer/protobuf, kubernetes/api
// generated.proto. Pure; any thread.
#pragma once

#include <string_view>

#include "schema/base/result.h"
#include "schema/descriptor.h"
#include "schema/value.h"

namespace mainstay {

// An envelope ("k8s\0", runtime.Unknown) with a message of `type`. The result is what the same object would be
// in JSON: apiVersion and kind of the envelope, metadata where `type` has no field of number 1 (tables of kinds
// leave it out), then the fields. kInvalid if the bytes are not that; unknown field numbers are skipped.
//
// Go's encoding writes zero values of plain fields, too: they are left out where the descriptor shows that
// absent means the same.
Result<Value> decode_protobuf(std::string_view bytes, const TypeDesc& type);

}  // namespace mainstay
