// Services through the API: what each way of writing one again keeps, and what the configuration has to say of it.
#include <catch2/catch.hpp>

#include "reconciler/core/api_write.h"
#include "schema/decode.h"
#include "schema/yaml.h"

using namespace mainstay;

namespace {

Value parse(const std::string& yaml) {
  Diagnostics problems("test.yaml");
  return parse_yaml(yaml, problems).at(0).root;
}

const std::string kHead = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {";
const Key kWeb{Kind::kService, "default", "web"};

struct Shop {
  Answer write(ApiWrite order) {
    Transaction txn(head, now, rng);
    Answer answer = handle_write(txn, order, settings);
    if (!answer.error) head = txn.view();
    return answer;
  }
  ApiWrite order(ApiWrite::Verb verb, const std::string& yaml) {
    ApiWrite out;
    out.verb = verb;
    Diagnostics problems("test.yaml");
    std::optional<Object> object = decode_object(parse(yaml), {}, problems);
    INFO(problems.render());
    REQUIRE(object);
    object->meta.ns = "default";
    out.key = object->key();
    out.object = std::make_shared<const Object>(std::move(*object));
    return out;
  }
  // spec's members; "" if done, else the message of the refusal.
  std::string create(const std::string& spec) { return said(write(order(ApiWrite::Verb::kCreate, kHead + spec + "}}"))); }
  std::string replace(const std::string& spec) { return said(write(order(ApiWrite::Verb::kUpdate, kHead + spec + "}}"))); }
  std::string patch(PatchType type, const std::string& document) {
    ApiWrite out;
    out.verb = ApiWrite::Verb::kPatch;
    out.patch_type = type;
    out.key = kWeb;
    out.patch = std::make_shared<const Value>(parse(document));
    return said(write(out));
  }
  static std::string said(const Answer& answer) { return answer.error ? answer.error->message : ""; }
  const ServiceSpec& spec() const { return as<Service>(*head.find(kWeb)).spec; }

  Shop() {
    Transaction txn(head, now, rng);
    REQUIRE(txn.create(make_object<Namespace>("", "default")).ok());
    head = txn.view();
  }

  ControlSettings settings;
  Snapshot head;
  Now now{WallTime{std::chrono::seconds{1'700'000'000}}, MonoTime{}};
  Rng rng{1};
};

}  // namespace

TEST_CASE("whoever writes a Service again may leave its addresses open or clear them") {
  Shop shop;
  const std::string spec = "clusterIP: '', type: NodePort, ports: [{name: http, port: 80}]";
  REQUIRE(shop.create(spec) == "");
  const std::string address = shop.spec().cluster_ip;
  const int32_t port = shop.spec().ports[0].node_port;
  REQUIRE(address.starts_with("10.96."));
  REQUIRE(port != 0);
  CHECK(shop.patch(PatchType::kApply, kHead + spec + "}}") == "");
  CHECK(shop.patch(PatchType::kMerge, "{spec: {clusterIP: ''}}") == "");
  CHECK(shop.patch(PatchType::kStrategic, "{spec: {clusterIP: null}}") == "");
  CHECK(shop.patch(PatchType::kJson, "[{op: remove, path: /spec/clusterIPs}]") == "");
  CHECK(shop.replace("clusterIPs: ['" + address + "'], type: NodePort, ports: [{name: http, port: 80}]") == "");
  CHECK(shop.replace("type: NodePort, ports: [{name: http, port: 81}]") == "");
  CHECK(shop.spec().ports[0].port == 81);
  CHECK(shop.spec().ports[0].node_port == port);
  CHECK(shop.spec().cluster_ip == address);
  CHECK(shop.spec().cluster_ips == std::vector<std::string>{address});
  CHECK(shop.patch(PatchType::kMerge, "{spec: {clusterIP: 10.96.0.9}}") ==
        "Service \"web\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.96.0.9\"]: may not change once set");
}

TEST_CASE("a Service whose address the configuration no longer has in its range can be written on") {
  Shop shop;
  REQUIRE(shop.create("type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]") == "");
  const std::string address = shop.spec().cluster_ip;
  shop.settings.service_cidr = "10.97.0.0/16";
  CHECK(shop.patch(PatchType::kMerge, "{metadata: {labels: {a: b}}}") == "");
  CHECK(shop.patch(PatchType::kMerge, "{spec: {ports: [{name: http, port: 81}]}}") == "");
  CHECK(shop.spec().cluster_ip == address);
  // A new one is asked as ever, and so is one that was a name.
  const std::string words = "is not in the valid range. The range of valid IPs is 10.97.0.0/16";
  auto named = [&](const std::string& name, const std::string& ip) {
    return shop.said(shop.write(shop.order(ApiWrite::Verb::kCreate, "{apiVersion: v1, kind: Service, metadata: {name: " + name +
                                                                    "}, spec: {clusterIP: " + ip + ", ports: [{port: 80}]}}")));
  };
  CHECK(named("other", "10.96.0.9").find(words) != std::string::npos);
  CHECK(shop.patch(PatchType::kMerge, "{spec: {type: ExternalName, externalName: a.b}}") == "");
  CHECK(shop.patch(PatchType::kMerge, "{spec: {type: ClusterIP, externalName: null, clusterIP: " + address + "}}").find(words) !=
        std::string::npos);
  // Neither the network's own address nor the one of all.
  CHECK(named("first", "10.97.0.0").find(words) != std::string::npos);
  CHECK(named("last", "10.97.255.255").find(words) != std::string::npos);
  CHECK(named("second", "10.97.0.2") == "");
}
