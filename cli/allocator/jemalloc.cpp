// What jemalloc reads at start (jemalloc(3), TUNING): a thread of its own gives unused pages back to the system, so
// that no turn waits for that; two arenas, because each keeps pages of its own and few threads allocate much.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,narenas:2";
}
