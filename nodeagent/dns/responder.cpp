#include "nodeagent/dns/responder.h"

#include <cstring>

namespace mainstay {
namespace {

DnsCacheLimits cache_limits(const DnsServerSettings& settings) {
  DnsCacheLimits out;
  out.entries = settings.cache_entries;
  out.bytes = settings.cache_bytes;
  return out;
}

ForwarderSettings forwarder_settings(const DnsServerSettings& settings) {
  ForwarderSettings out;
  out.attempt_timeout = settings.attempt_timeout;
  out.total_timeout = settings.total_timeout;
  out.rest = settings.server_rest;
  out.max_in_flight = settings.max_in_flight;
  return out;
}

DnsReply only_code(DnsRcode rcode) {
  DnsReply out;
  out.rcode = rcode;
  return out;
}

// One thread writes: no locked instruction is needed.
void add(std::atomic<uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// Our aliases, then what an upstream says of the last one's target.
DnsReply joined(DnsReply aliases, DnsReply outside) {
  if (outside.rcode == DnsRcode::kServerFailure) return outside;
  for (DnsRecord& record : outside.answers) aliases.answers.push_back(std::move(record));
  aliases.rcode = outside.rcode;
  aliases.authority = std::move(outside.authority);
  return aliases;
}

}  // namespace

DnsResponder::DnsResponder(const DnsServerSettings& settings, int epoll_fd, uint64_t upstream_tag,
                           uint64_t seed, DnsTally& tally)
    : cache_(cache_limits(settings)),
      forwarder_(epoll_fd, upstream_tag, forwarder_settings(settings)),
      rng_(seed),
      tally_(tally) {}

std::optional<std::string> DnsResponder::on_packet(const DnsZone* zone, std::string_view packet,
                                                   const Sender& sender, MonoTime now) {
  DnsInput input = parse_dns_input(packet);
  if (input.kind == DnsInput::Kind::kDrop) {
    add(tally_.malformed);
    return std::nullopt;
  }
  if (input.kind == DnsInput::Kind::kRefuse) {
    add(input.rcode == DnsRcode::kFormatError ? tally_.malformed : tally_.queries);
    return encode_dns_refusal(input);
  }
  add(tally_.queries);
  if (sender.connection != 0) add(tally_.tcp_queries);
  return respond(zone, input.question, sender, nullptr, now);
}

std::optional<DnsReply> DnsResponder::look_outside(const DnsQuestion& outside, const DnsQuestion& question,
                                                   const Sender& sender, MonoTime now) {
  if (std::optional<DnsReply> known = cache_.find(dns_cache_key(outside), now)) {
    add(tally_.cached);
    return known;
  }
  if (!question.recursion_desired) return only_code(DnsRcode::kRefused);
  DnsClient client{sender.connection, sender.listener, {}, question};
  if (sender.address != nullptr) {
    std::memcpy(&client.address.storage, sender.address, sender.size);
    client.address.size = sender.size;
  }
  switch (forwarder_.ask(outside, std::move(client), now)) {
    case DnsForwarder::Asked::kSent:
      add(tally_.forwarded);
      return std::nullopt;
    case DnsForwarder::Asked::kShared:
      add(tally_.shared);
      return std::nullopt;
    case DnsForwarder::Asked::kFull:
      break;
  }
  return only_code(DnsRcode::kServerFailure);
}

std::optional<std::string> DnsResponder::respond(const DnsZone* zone, const DnsQuestion& question,
                                                 const Sender& sender, const DnsForwarder::Done* done,
                                                 MonoTime now) {
  bool tcp = sender.connection != 0;
  if (zone == nullptr) return encode(question, only_code(DnsRcode::kServerFailure), tcp);
  DnsAnswer own = answer(*zone, question);
  if (own.kind == DnsAnswer::Kind::kReply) {
    add(tally_.answered);
    return encode(question, std::move(own.reply), tcp);
  }
  bool chase = own.kind == DnsAnswer::Kind::kChase;
  std::optional<DnsReply> outside;
  if (done != nullptr && done->question.name == (chase ? own.target : question.name)) {
    outside = done->reply;
  } else if (chase) {
    DnsQuestion next = question;
    next.name = own.target;
    outside = look_outside(next, question, sender, now);
  } else {
    outside = look_outside(question, question, sender, now);
  }
  if (!outside) return std::nullopt;
  return encode(question, chase ? joined(std::move(own.reply), std::move(*outside)) : std::move(*outside),
                tcp);
}

std::string DnsResponder::encode(const DnsQuestion& question, DnsReply reply, bool tcp) {
  if (reply.rcode == DnsRcode::kServerFailure) add(tally_.errors);
  shuffle_answers(reply, rng_);
  return encode_dns_reply(question, reply, tcp ? kDnsTcpSize : question.udp_size, forwarder_.has_servers());
}

std::vector<DnsResponder::Delivery> DnsResponder::deliver(const DnsZone* zone,
                                                          std::vector<DnsForwarder::Done> all, MonoTime now) {
  std::vector<Delivery> out;
  for (DnsForwarder::Done& done : all) {
    cache_.put(dns_cache_key(done.question), done.question.type, done.reply, now);
    for (DnsClient& client : done.clients) {
      Sender sender{client.connection, client.listener, nullptr, 0};
      if (client.connection == 0) {
        sender.address = &client.address.storage;
        sender.size = client.address.size;
      }
      // Asked again of the zone: what an alias means may have changed meanwhile.
      std::optional<std::string> bytes = respond(zone, client.question, sender, &done, now);
      if (bytes) out.push_back({std::move(client), std::move(*bytes)});
    }
  }
  tally_.upstream_timeouts.store(forwarder_.counters().timeouts, std::memory_order_relaxed);
  tally_.upstream_rejected.store(forwarder_.counters().rejected, std::memory_order_relaxed);
  return out;
}

std::vector<DnsResponder::Delivery> DnsResponder::on_ready(const DnsZone* zone, uint64_t tagged,
                                                           uint32_t events, MonoTime now) {
  return deliver(zone, forwarder_.on_ready(tagged, events, now), now);
}

std::vector<DnsResponder::Delivery> DnsResponder::on_time(const DnsZone* zone, MonoTime now) {
  return deliver(zone, forwarder_.on_time(now), now);
}

}  // namespace mainstay
