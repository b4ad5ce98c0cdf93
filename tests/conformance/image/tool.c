// What Debian's busybox cannot do and the cases need inside a container; one static program under several names.
//   udp-serve PORT            answers each datagram with "HOSTNAME SENDER-ADDRESS TEXT"
//   udp-ask ADDRESS PORT TEXT    sends a datagram and prints the answer; exit 1 after a second without one
//   knock ADDRESS PORT        prints "open", "refused" or, after a second, "silence"
//   grpc-serve PORT STATUS    answers every gRPC health question with this status (1: serving, 2: not serving)
//   eat MEGABYTES             takes that much memory and stays
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int bound(int type, const char *port) {
  int fd = socket(AF_INET, type, 0), on = 1;
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&any, sizeof any) != 0) {
    perror("bind");
    exit(1);
  }
  return fd;
}

static void udp_serve(const char *port) {
  int fd = bound(SOCK_DGRAM, port);
  for (;;) {
    char text[512], answer[1024], host[256] = "";
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t got = recvfrom(fd, text, sizeof text - 1, 0, (struct sockaddr *)&from, &size);
    if (got < 0) continue;
    text[got] = 0;
    gethostname(host, sizeof host - 1);
    int length = snprintf(answer, sizeof answer, "%s %s %s", host, inet_ntoa(from.sin_addr), text);
    sendto(fd, answer, (size_t)length, 0, (struct sockaddr *)&from, size);
  }
}

static int knock(const char *host, const char *port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  if (inet_aton(host, &to.sin_addr) == 0) return 1;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval second = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) {
    puts("open");
  } else if (errno == EINPROGRESS || errno == ETIMEDOUT) {
    puts("silence");
  } else {
    puts(errno == ECONNREFUSED ? "refused" : strerror(errno));
  }
  return 0;
}

static int udp_ask(const char *host, const char *port, const char *text) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  if (inet_aton(host, &to.sin_addr) == 0) return 1;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct timeval second = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
  char answer[1024];
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) return 1;
  if (send(fd, text, strlen(text), 0) < 0) return 1;
  ssize_t got = recv(fd, answer, sizeof answer - 1, 0);
  if (got < 0) return 1;
  answer[got] = 0;
  puts(answer);
  return 0;
}

// HTTP/2 as little as it takes: settings, their acknowledgement, then headers, one message and trailers on stream 1.
static void grpc_serve(const char *port, const char *status) {
  int server = bound(SOCK_STREAM, port);
  listen(server, 16);
  static const unsigned char before[] = {
      0, 0, 0, 4, 0, 0, 0, 0, 0,  0, 0, 0, 4, 1, 0, 0, 0, 0,
      0, 0, 32, 1, 4, 0, 0, 0, 1, 0x88, 0, 12, 'c', 'o', 'n', 't', 'e', 'n', 't', '-', 't', 'y', 'p', 'e', 16,
      'a', 'p', 'p', 'l', 'i', 'c', 'a', 't', 'i', 'o', 'n', '/', 'g', 'r', 'p', 'c'};
  static const unsigned char trailers[] = {0, 0, 15, 1, 5, 0, 0, 0, 1, 0, 11, 'g', 'r', 'p', 'c', '-', 's', 't', 'a', 't',
                                           'u', 's', 1, '0'};
  unsigned char out[256];
  memcpy(out, before, sizeof before);
  out[20] = sizeof before - 27;  // the length of the headers
  size_t size = sizeof before;
  unsigned char message[] = {0, 0, 7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 8, (unsigned char)atoi(status)};
  memcpy(out + size, message, sizeof message);
  size += sizeof message;
  memcpy(out + size, trailers, sizeof trailers);
  size += sizeof trailers;
  for (;;) {
    int fd = accept(server, NULL, NULL);
    if (fd < 0) continue;
    char question[4096];
    // The question is there whole when its headers frame and its data frame are: one round of the client's.
    usleep(50000);
    if (read(fd, question, sizeof question) > 0 && write(fd, out, size) > 0) {
      usleep(100000);
    }
    close(fd);
  }
}

static void eat(const char *megabytes) {
  for (long i = atol(megabytes); i > 0; --i) {
    char *block = malloc(1 << 20);
    if (block != NULL) memset(block, 1, 1 << 20);
  }
  for (;;) pause();
}

int main(int argc, char **argv) {
  const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
  if (argc == 2 && strcmp(name, "udp-serve") == 0) udp_serve(argv[1]);
  if (argc == 4 && strcmp(name, "udp-ask") == 0) return udp_ask(argv[1], argv[2], argv[3]);
  if (argc == 3 && strcmp(name, "knock") == 0) return knock(argv[1], argv[2]);
  if (argc == 3 && strcmp(name, "grpc-serve") == 0) grpc_serve(argv[1], argv[2]);
  if (argc == 2 && strcmp(name, "eat") == 0) eat(argv[1]);
  fprintf(stderr, "usage: udp-serve PORT | "
                  " udp-ask ADDRESS PORT TEXT | knock ADDRESS PORT | grpc-serve PORT STATUS | eat MEGABYTES\n");
  return 2;
}
