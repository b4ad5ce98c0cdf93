// Which images go before the disk is full, and what of a node is kept from pods.
#include <catch2/catch.hpp>

#include "nodeagent/housekeeping/image_gc.h"
#include "nodeagent/housekeeping/reservation.h"

namespace mainstay {
namespace {

using Names = std::vector<std::string>;

Image image(const std::string& name) {
  Image out;
  out.name = name;
  out.id = "id-" + name;
  return out;
}

MonoTime at(int64_t seconds) { return {std::chrono::seconds{1000 + seconds}}; }

}  // namespace

TEST_CASE("collection begins at the high threshold and goes down to the low one") {
  ImageGcPolicy policy;
  CHECK_FALSE(bytes_to_free({160, 1000}, policy));
  CHECK(bytes_to_free({150, 1000}, policy) == 50);
  CHECK(bytes_to_free({0, 1000}, policy) == 200);
  policy.high_percent = 100;
  CHECK_FALSE(bytes_to_free({0, 1000}, policy));
  CHECK_FALSE(bytes_to_free({0, 0}, {}));
  CHECK(check_image_gc({}).ok());
  CHECK(check_image_gc({85, 85}).error().message ==
        "--image-gc-low-threshold must be below --image-gc-high-threshold");
  CHECK_FALSE(check_image_gc({101, 80}).ok());
  CHECK_FALSE(check_image_gc({85, -1}).ok());
}

TEST_CASE("the image used longest ago goes first, none in use, none that has just come") {
  std::vector<Image> present = {image("used"), image("idle"), image("older"), image("never")};
  ImageHistory history = note_images({}, present, {"id-older", "id-idle", "used"}, at(0));
  history = note_images(history, present, {"idle", "used"}, at(10));
  present.push_back(image("new"));
  history = note_images(history, present, {"used"}, at(20));
  CHECK(collectable_images(history, present, {"used"}, at(20), 2min) == Names{"never", "older", "idle"});
  CHECK(collectable_images(history, present, {"used"}, at(139), 2min) == Names{"never", "older", "idle"});
  CHECK(collectable_images(history, present, {"used"}, at(140), 2min) == Names{"never", "new", "older", "idle"});
  CHECK(collectable_images(history, present, {}, at(20), 2min).back() == "used");
}

TEST_CASE("an image that went and came back is new") {
  ImageHistory history = note_images({}, {image("a")}, {}, at(0));
  history = note_images(history, {}, {}, at(10));
  history = note_images(history, {image("a")}, {}, at(20));
  CHECK(collectable_images(history, {image("a")}, {}, at(30), 2min).empty());
}

TEST_CASE("allocatable is capacity less what is reserved and what the hard thresholds keep back") {
  NodeReservations kept;
  kept.system = *parse_reservation("--system-reserved", "cpu=500m,memory=1Gi");
  kept.kube = *parse_reservation("--kube-reserved", "cpu=250m,ephemeral-storage=1Gi");
  kept.eviction = *parse_eviction_flags({});
  ResourceList capacity;
  map_slot(capacity, "cpu") = Quantity::of(2);
  map_slot(capacity, "memory") = *Quantity::parse("4Gi");
  map_slot(capacity, "ephemeral-storage") = *Quantity::parse("10Gi");
  map_slot(capacity, "pods") = Quantity::of(110);
  ResourceList left = allocatable_of(capacity, kept);
  CHECK(map_find(left, "cpu")->text() == "1250m");
  CHECK(map_find(left, "memory")->text() == "2972Mi");
  CHECK(map_find(left, "ephemeral-storage")->text() == "8Gi");
  CHECK(map_find(left, "pods")->text() == "110");
  CHECK(check_reservations(capacity, kept).ok());
  map_slot(kept.system, "memory") = *Quantity::parse("5Gi");
  CHECK(map_find(allocatable_of(capacity, kept), "memory")->text() == "0");
  CHECK(check_reservations(capacity, kept).error().message ==
        "resource \"memory\" has a reservation of 5220Mi but capacity of 4Gi. Expected capacity >= reservation.");
}

TEST_CASE("reservations that cannot be read are refused") {
  auto refusal = [](const char* text) {
    Result<ResourceList> read = parse_reservation("--system-reserved", text);
    return read.ok() ? std::string("taken") : read.error().message;
  };
  CHECK(refusal("") == "taken");
  CHECK(refusal("gpu=1") == "--system-reserved: cannot reserve \"gpu\" resource");
  CHECK(refusal("cpu") == "--system-reserved: 'cpu' is not of the form resource=quantity");
  CHECK(refusal("cpu=x") == "--system-reserved: 'cpu=x' holds no quantity");
  CHECK(refusal("memory=-1Gi") == "--system-reserved: resource quantity for \"memory\" cannot be negative");
}

}  // namespace mainstay
