// What a node says of its images, as the kubelet does: Node's status.images. Pure; any thread.
#pragma once

#include <vector>

#include "nodeagent/doors.h"
#include "schema/kinds/node.h"

namespace mainstay {

// One entry for all names of an image, the digest's first, five at most; the largest images first, 50 at most (the
// kubelet's nodeStatusMaxImages). Sizes are of the compressed layers.
std::vector<ContainerImage> reported_images(const std::vector<Image>& images);

}  // namespace mainstay
