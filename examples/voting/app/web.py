"""A small HTTP server that ends in good order: on SIGTERM it answers what it has taken and takes nothing new."""
import http.server
import signal
import threading


def serve(port, answer):
    """`answer(method, path, body) -> (status, type, text)`; runs until SIGTERM."""

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self):
            self.reply("")

        def do_POST(self):
            size = min(int(self.headers.get("Content-Length") or 0), 4096)
            self.reply(self.rfile.read(size).decode("utf-8", "replace"))

        def reply(self, body):
            try:
                status, kind, text = answer(self.command, self.path, body)
            except (OSError, RuntimeError) as problem:
                status, kind, text = 503, "text/plain", f"{problem}\n"
            raw = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind + "; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *words):
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128
        # server_close() waits for them.
        daemon_threads = False
        block_on_close = True

    server = Server(("", port), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"serves on port {port}", flush=True)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    print("stopped", flush=True)
