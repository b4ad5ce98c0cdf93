#include "reconciler/api/read_routes.h"

#include <charconv>

#include "reconciler/api/errors.h"
#include "reconciler/api/filter.h"
#include "reconciler/api/render.h"
#include "reconciler/api/scale.h"
#include "schema/json.h"

namespace mainstay::api {
namespace {

// The whole parameter as a number of 0 or more; nothing if it is none. Absent is `fallback`.
std::optional<uint64_t> number_param(const Request& request, std::string_view name, uint64_t fallback) {
  std::string_view text = request.param(name);
  if (text.empty()) return fallback;
  uint64_t number = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Page {
  Snapshot view;
  ObjectName after;  // empty: from the start
  size_t limit = 0;  // 0: no limit
};

std::variant<Page, Response> page_of(const Request& request, const Snapshot& view, PagedSnapshots& pages, Now now) {
  std::optional<uint64_t> limit = number_param(request, "limit", 0);
  if (!limit) return bad_request("limit is no number");
  std::string_view text = request.param("continue");
  Page page{view, {}, static_cast<size_t>(*limit)};
  if (text.empty()) {
    std::optional<uint64_t> version = number_param(request, "resourceVersion", 0);
    if (!version) return bad_request("resourceVersion is no number");
    if (*version > view.version()) return too_large_version(*version, view.version());
    bool exact = request.param("resourceVersionMatch") == "Exact";
    if (exact && *version != view.version()) {
      std::optional<Snapshot> kept = pages.find(*version, now.mono);
      if (!kept) return expired(*version, view.version());
      page.view = *kept;
    }
    return page;
  }
  std::optional<PageToken> token = decode_token(text);
  if (!token) return bad_request("continue key is not valid");
  std::optional<Snapshot> kept = pages.find(token->version, now.mono);
  if (!kept) {
    return failure(410, "Expired",
                   "The provided continue parameter is too old to display a consistent list result. You must start "
                   "a new list without the continue parameter.");
  }
  page.view = std::move(*kept);
  page.after = std::move(token->after);
  return page;
}

bool is_after(const Object& object, const ObjectName& name) {
  return std::tie(object.meta.ns, object.meta.name) > std::tie(name.ns, name.name);
}

}  // namespace

Response get_object(const Request& request, const ResourcePath& path, const Snapshot& view, Now now) {
  Rendering how = rendering_of(request, now.wall);
  if (how.accepted.form == Form::kNone) return not_acceptable();
  ObjectPtr object = view.find(path.kind->id, path.ns, path.name);
  if (!object) return not_found(path);
  if (path.subresource == "scale") {
    if (!has_scale(path.kind->id)) return no_such_path();
    return {200, "application/json", make_bytes(to_json(scale_of(*object)) + "\n"), {}};
  }
  if (!path.subresource.empty() && !(path.subresource == "status" && path.kind->has_status)) return no_such_path();
  return {200, "application/json", make_bytes(render_object(*object, how)), {}};
}

Response list_objects(const Request& request, const ResourcePath& path, const Snapshot& view,
                      PagedSnapshots& pages, Now now) {
  Rendering how = rendering_of(request, now.wall);
  if (how.accepted.form == Form::kNone) return not_acceptable();
  Result<ObjectFilter> filter = parse_filter(request, *path.kind, path.ns);
  if (!filter.ok()) return bad_request(filter.error().message);
  std::variant<Page, Response> paged = page_of(request, view, pages, now);
  if (auto* refused = std::get_if<Response>(&paged)) return std::move(*refused);
  Page& page = std::get<Page>(paged);

  ListRenderer list(*path.kind, how);
  ObjectName last;
  bool more = false, count_rest = filter->matches_everything();
  size_t remaining = 0;
  for (const ObjectPtr& object : candidates(page.view, *filter)) {
    if (!page.after.name.empty() && !is_after(*object, page.after)) continue;
    if (!filter->matches(*object)) continue;
    if (page.limit > 0 && list.count() == page.limit) {
      more = true;
      if (!count_rest) break;  // as Kubernetes: with a selector nobody says how many remain
      ++remaining;
      continue;
    }
    list.add(*object);
    last = {object->meta.ns, object->meta.name};
  }
  std::string token;
  if (more) {
    token = encode_token({page.view.version(), last});
    pages.keep(page.view, now.mono);
  }
  std::optional<size_t> left = more && count_rest ? std::optional(remaining) : std::nullopt;
  return {200, "application/json", make_bytes(list.finish(page.view.version(), token, left)), {}};
}

}  // namespace mainstay::api
