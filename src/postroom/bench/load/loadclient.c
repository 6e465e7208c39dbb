/*
 * loadclient: load for a mailbox server, from one thread, so that the client is not what is measured.
 *
 *   loadclient http HOST PORT --seconds S [--connections N] [--warmup S] [--fresh] [--requests N] [--first K]
 *                   [--method GET] [--header 'Name: value']... [--body TEXT] (--path PATH | --paths FILE)
 *   loadclient lmtp HOST PORT --corpus FILE --to ADDRESS [--from ADDRESS] [--connections N]
 *
 * HOST is an IPv4 address, or for lmtp "unix:PATH" (PORT is then ignored). Every connection is a closed loop: the
 * next request leaves when the answer is complete. Paths of a file are taken in turn, over all connections.
 * --fresh opens a connection for each request and closes it after the answer; the latency includes the connect.
 * The corpus file holds messages, each behind its length in 4 bytes, big-endian. Per message LMTP sends MAIL, RCPT
 * and DATA in one packet (RFC 2920) and counts the reply after the final dot (RFC 2033 section 4.2).
 * The result is one JSON object on standard output; latencies are microseconds. Exit code 0: it ran; 2: it could
 * not run. Errors of single connections are counted, not fatal.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 65536
#define STALL_SECONDS 60

enum body_kind { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };
enum chunk_state { CHUNK_SIZE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER };
enum lmtp_state { LMTP_GREETING, LMTP_LHLO, LMTP_MAIL, LMTP_RCPT, LMTP_DATA, LMTP_FINAL, LMTP_QUIT };

struct connection {
    int fd, connecting, write_armed;
    uint64_t started_at;                /* nanoseconds: when this request or message began */
    char *out;                          /* what is to be sent; owned, grown as needed */
    size_t out_length, out_offset, out_capacity;
    char head[HEAD_MAX + 1];            /* HTTP: header block so far; LMTP: reply line so far */
    size_t head_length;
    int in_body, status, keep;          /* HTTP */
    enum body_kind body;
    enum chunk_state chunk;
    uint64_t remaining;
    size_t trailer_line;
    enum lmtp_state lmtp;               /* LMTP */
    int mail_ok, rcpt_ok;
    uint64_t message;
};

static struct {
    int lmtp, fresh, connections;
    double seconds, warmup;
    uint64_t request_limit, first_path;
    const char *method, *to, *from;
    char *fixed;                        /* header block after the request line, with the body */
    size_t fixed_length;
    struct sockaddr_storage address;
    socklen_t address_length;
} options = {.connections = 1, .method = "GET", .from = "sender@example.net"};

static char **paths;
static uint64_t path_count, next_path;
static const unsigned char **messages;
static uint32_t *message_lengths;
static uint64_t message_count, next_message;

static uint32_t *latencies;
static size_t latency_count, latency_capacity;
static uint64_t statuses[1000], bytes_in, bytes_out, errors_connect, errors_io, errors_protocol, started, finished;
static int epoll_fd, live_connections, stopping;
static char first_refusal[256];

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("loadclient: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

static void *grow(void *memory, size_t size) {
    memory = realloc(memory, size);
    if (!memory) fail("out of memory");
    return memory;
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void count_result(struct connection *c, int status) {
    uint64_t microseconds = (now() - c->started_at) / 1000;
    if (latency_count == latency_capacity) {
        latency_capacity = latency_capacity ? latency_capacity * 2 : 65536;
        latencies = grow(latencies, latency_capacity * sizeof *latencies);
    }
    latencies[latency_count++] = microseconds > UINT32_MAX ? UINT32_MAX : (uint32_t)microseconds;
    statuses[status >= 0 && status < 1000 ? status : 0]++;
    finished++;
}

/* Sending and connecting, the same for both protocols. */

static void append(struct connection *c, const void *data, size_t length) {
    if (c->out_length + length > c->out_capacity) {
        c->out_capacity = (c->out_length + length) * 2;
        c->out = grow(c->out, c->out_capacity);
    }
    memcpy(c->out + c->out_length, data, length);
    c->out_length += length;
}

static void arm(struct connection *c, int for_writing) {
    struct epoll_event event = {.events = EPOLLIN | (for_writing ? EPOLLOUT : 0), .data.ptr = c};
    if (c->write_armed == for_writing) return;
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
    c->write_armed = for_writing;
}

/* Returns 0, or -1 when the connection is lost. */
static int flush_out(struct connection *c) {
    while (c->out_offset < c->out_length) {
        ssize_t sent = send(c->fd, c->out + c->out_offset, c->out_length - c->out_offset, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN) {
                arm(c, 1);
                return 0;
            }
            if (errno == EINTR) continue;
            return -1;
        }
        c->out_offset += (size_t)sent;
        bytes_out += (uint64_t)sent;
    }
    c->out_length = c->out_offset = 0;
    arm(c, 0);
    return 0;
}

static void hang_up(struct connection *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    live_connections--;
}

static int dial(struct connection *c) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    int one = 1;
    c->fd = socket(options.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("socket: %s", strerror(errno));
    live_connections++;
    c->head_length = c->out_length = c->out_offset = 0;
    c->in_body = 0;
    if (options.address.ss_family == AF_INET) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&options.address, options.address_length) && errno != EINPROGRESS) {
        errors_connect++;
        hang_up(c);
        return -1;
    }
    c->connecting = c->write_armed = 1;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event);
    return 0;
}

/* HTTP/1.1 (RFC 9112). */

static int begin_request(struct connection *c) {
    const char *path = paths[(options.first_path + next_path) % path_count];
    if (stopping || (options.request_limit && started >= options.request_limit)) return 1;
    next_path++;
    started++;
    append(c, options.method, strlen(options.method));
    append(c, " ", 1);
    append(c, path, strlen(path));
    append(c, options.fixed, options.fixed_length);
    c->head_length = 0;
    c->in_body = 0;
    return 0;
}

static const char *find_header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (!strncasecmp(line, name, length) && line[length] == ':') {
            line += length + 1;
            while (*line == ' ' || *line == '\t') line++;
            return line;
        }
    }
    return NULL;
}

static int parse_head(struct connection *c) {
    const char *value;
    if (sscanf(c->head, "HTTP/1.%*1d %3d", &c->status) != 1) return -1;
    c->keep = !((value = find_header(c->head, "connection")) && !strncasecmp(value, "close", 5));
    c->in_body = 1;
    c->remaining = 0;
    if (c->status == 204 || c->status == 304 || !strcmp(options.method, "HEAD")) {
        c->body = BODY_NONE;
    } else if ((value = find_header(c->head, "transfer-encoding")) && !strncasecmp(value, "chunked", 7)) {
        c->body = BODY_CHUNKED;
        c->chunk = CHUNK_SIZE;
        c->trailer_line = 0;
    } else if ((value = find_header(c->head, "content-length"))) {
        c->body = BODY_LENGTH;
        c->remaining = strtoull(value, NULL, 10);
    } else {
        c->body = BODY_UNTIL_CLOSE;
        c->keep = 0;
    }
    return 0;
}

static int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    digit = (char)tolower((unsigned char)digit);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Takes bytes of a chunked body; returns how many, and sets *done after the last one. */
static size_t take_chunked(struct connection *c, const char *data, size_t length, int *done) {
    size_t i = 0;
    while (i < length && !*done) {
        if (c->chunk == CHUNK_DATA) {
            size_t part = length - i < c->remaining ? length - i : (size_t)c->remaining;
            c->remaining -= part;
            i += part;
            if (!c->remaining) c->chunk = CHUNK_DATA_END;
            continue;
        }
        char byte = data[i++];
        if (c->chunk == CHUNK_SIZE) {
            if (byte == '\n') {
                c->chunk = c->remaining ? CHUNK_DATA : CHUNK_TRAILER;
                c->trailer_line = 0;
            } else if (byte == ';') {
                c->trailer_line = 1;    /* a chunk extension: skipped up to the line end */
            } else if (!c->trailer_line && hex_digit(byte) >= 0) {
                c->remaining = c->remaining * 16 + (uint64_t)hex_digit(byte);
            }
        } else if (byte == '\n') {
            if (c->chunk == CHUNK_DATA_END) c->chunk = CHUNK_SIZE;
            else if (!c->trailer_line) *done = 1;
            c->trailer_line = 0;
        } else if (byte != '\r') {
            c->trailer_line++;
        }
    }
    return i;
}

/* Returns -1: lost, 0: go on, 1: this connection has nothing more to do. */
static int http_answered(struct connection *c) {
    int keep = c->keep && !options.fresh;
    count_result(c, c->status);
    c->head_length = 0;
    c->in_body = 0;
    if (!keep) {
        hang_up(c);
        if (stopping || (options.request_limit && started >= options.request_limit)) return 1;
        c->started_at = now();
        dial(c);
        return 1;
    }
    c->started_at = now();
    if (begin_request(c)) return 1;
    return flush_out(c);
}

static int http_input(struct connection *c, const char *data, size_t length) {
    while (length) {
        int done = 0;
        if (!c->in_body) {
            size_t room = HEAD_MAX - c->head_length, part = length < room ? length : room, taken;
            size_t searched = c->head_length < 3 ? 0 : c->head_length - 3;
            memcpy(c->head + c->head_length, data, part);
            char *end = memmem(c->head + searched, c->head_length + part - searched, "\r\n\r\n", 4);
            if (!end) {
                c->head_length += part;
                if (c->head_length >= HEAD_MAX) return -1;
                return 0;
            }
            taken = (size_t)(end + 4 - c->head) - c->head_length;
            end[2] = 0;
            if (parse_head(c)) return -1;
            if (c->status >= 100 && c->status < 200) {
                c->in_body = 0;
                c->head_length = 0;
            }
            data += taken;
            length -= taken;
            if (!c->in_body) continue;
            if (c->body == BODY_NONE || (c->body == BODY_LENGTH && !c->remaining)) done = 1;
        }
        if (!done && length) {
            size_t taken = length;
            if (c->body == BODY_CHUNKED) {
                taken = take_chunked(c, data, length, &done);
            } else if (c->body == BODY_LENGTH) {
                taken = length < c->remaining ? length : (size_t)c->remaining;
                c->remaining -= taken;
                done = !c->remaining;
            }
            data += taken;
            length -= taken;
        }
        if (done) {
            int result = http_answered(c);
            if (result) return result;
        }
    }
    return 0;
}

/* LMTP (RFC 2033). */

static int begin_message(struct connection *c) {
    char envelope[1200];
    int length;
    if (next_message >= message_count || stopping) {
        c->lmtp = LMTP_QUIT;
        append(c, "QUIT\r\n", 6);
        return flush_out(c);
    }
    c->message = next_message++;
    started++;
    c->lmtp = LMTP_MAIL;
    c->started_at = now();
    length = snprintf(envelope, sizeof envelope, "MAIL FROM:<%s> SIZE=%u\r\nRCPT TO:<%s>\r\nDATA\r\n", options.from,
                      message_lengths[c->message], options.to);
    append(c, envelope, (size_t)length);
    return flush_out(c);
}

static int send_message(struct connection *c) {
    const char *data = (const char *)messages[c->message];
    size_t length = message_lengths[c->message];
    const char *end = data + length, *line = data;
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next + 1 : end;
        if (*line == '.') append(c, ".", 1);
        append(c, line, (size_t)(next - line));
        line = next;
    }
    if (length < 2 || memcmp(end - 2, "\r\n", 2)) append(c, "\r\n", 2);
    append(c, ".\r\n", 3);
    return flush_out(c);
}

static void remember_refusal(struct connection *c) {
    if (!*first_refusal) snprintf(first_refusal, sizeof first_refusal, "%.200s", c->head);
}

static int lmtp_reply(struct connection *c, int code) {
    if (code >= 400) remember_refusal(c);
    switch (c->lmtp) {
    case LMTP_GREETING:
        if (code != 220) return -1;
        c->lmtp = LMTP_LHLO;
        append(c, "LHLO loadclient.example.test\r\n", 30);
        return flush_out(c);
    case LMTP_LHLO:
        return code == 250 ? begin_message(c) : -1;
    case LMTP_MAIL:
        c->mail_ok = code == 250;
        c->status = code;
        c->lmtp = LMTP_RCPT;
        return 0;
    case LMTP_RCPT:
        c->rcpt_ok = code == 250 || code == 251;
        if (c->mail_ok) c->status = code;
        c->lmtp = LMTP_DATA;
        return 0;
    case LMTP_DATA:
        if (code == 354 && c->rcpt_ok) {
            c->lmtp = LMTP_FINAL;
            return send_message(c);
        }
        if (code == 354) return -1;
        count_result(c, c->mail_ok && c->rcpt_ok ? code : c->status);
        return begin_message(c);
    case LMTP_FINAL:
        count_result(c, code);
        return begin_message(c);
    case LMTP_QUIT:
        hang_up(c);
        return 1;
    }
    return -1;
}

static int lmtp_input(struct connection *c, const char *data, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (c->head_length >= HEAD_MAX) return -1;
        c->head[c->head_length++] = data[i];
        if (data[i] != '\n') continue;
        while (c->head_length && (c->head[c->head_length - 1] == '\n' || c->head[c->head_length - 1] == '\r'))
            c->head_length--;
        c->head[c->head_length] = 0;
        int last = c->head_length < 4 || c->head[3] != '-', code = atoi(c->head);
        c->head_length = 0;
        if (!last) continue;
        if (code < 200 || code > 599) return -1;
        int result = lmtp_reply(c, code);
        if (result) return result;
    }
    return 0;
}

/* The loop. */

static void lose(struct connection *c, uint64_t *counter) {
    if (!stopping) (*counter)++;
    hang_up(c);
    if (stopping || options.lmtp) return;
    if (errors_connect + errors_io + errors_protocol > 10000) return;
    if (options.request_limit && started >= options.request_limit) return;
    c->started_at = now();
    dial(c);
}

static void connected(struct connection *c) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    c->connecting = 0;
    if (error) {
        lose(c, &errors_connect);
        return;
    }
    if (options.lmtp) {
        c->lmtp = LMTP_GREETING;
        arm(c, 0);
        return;
    }
    if (!options.fresh) c->started_at = now();
    if (begin_request(c)) hang_up(c);
    else if (flush_out(c)) lose(c, &errors_io);
}

static void serve_event(struct connection *c, uint32_t events) {
    static char buffer[1 << 18];
    if (c->fd < 0) return;
    if (c->connecting) {
        if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) connected(c);
        return;
    }
    if ((events & EPOLLOUT) && flush_out(c)) {
        lose(c, &errors_io);
        return;
    }
    if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP))) return;
    ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        if (!got && !options.lmtp && c->in_body && c->body == BODY_UNTIL_CLOSE) http_answered(c);
        else lose(c, &errors_io);
        return;
    }
    bytes_in += (uint64_t)got;
    int result = options.lmtp ? lmtp_input(c, buffer, (size_t)got) : http_input(c, buffer, (size_t)got);
    if (result < 0) lose(c, &errors_protocol);
    else if (result > 0 && !options.lmtp && c->fd >= 0 && !c->connecting) hang_up(c);
}

static void reset_counts(void) {
    latency_count = 0;
    bytes_in = bytes_out = errors_connect = errors_io = errors_protocol = finished = 0;
    memset(statuses, 0, sizeof statuses);
}

static double run_loop(struct connection *connections) {
    struct epoll_event events[256];
    uint64_t begin = now(), progress_at = begin, progress = 0;
    uint64_t warm_until = begin + (uint64_t)(options.warmup * 1e9);
    uint64_t deadline = options.seconds > 0 ? warm_until + (uint64_t)(options.seconds * 1e9) : UINT64_MAX;
    int warm = options.warmup <= 0;
    for (int i = 0; i < options.connections; i++) {
        connections[i].started_at = now();
        dial(&connections[i]);
    }
    while (live_connections) {
        int count = epoll_wait(epoll_fd, events, 256, 20);
        uint64_t time = now();
        if (!warm && time >= warm_until) {
            warm = 1;
            begin = time;
            reset_counts();
        }
        if (time >= deadline) break;
        for (int i = 0; i < count; i++) serve_event(events[i].data.ptr, events[i].events);
        if (finished + bytes_in + bytes_out != progress) {
            progress = finished + bytes_in + bytes_out;
            progress_at = time;
        } else if (time - progress_at > STALL_SECONDS * 1000000000ull) {
            fail("no progress for %d s; the server hangs", STALL_SECONDS);
        }
    }
    stopping = 1;
    return (double)(now() - begin) / 1e9;
}

/* Input and output. */

static char *read_file(const char *name, size_t *length) {
    struct stat stat;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat)) fail("%s: %s", name, strerror(errno));
    *length = (size_t)stat.st_size;
    char *data = *length ? mmap(NULL, *length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) : NULL;
    if (data == MAP_FAILED) fail("%s: %s", name, strerror(errno));
    close(fd);
    return data;
}

static void add_path(char *path) {
    paths = grow(paths, (path_count + 1) * sizeof *paths);
    paths[path_count++] = path;
}

static void read_paths(const char *name) {
    size_t length;
    char *data = read_file(name, &length), *copy = grow(NULL, length + 1);
    if (length) memcpy(copy, data, length);
    copy[length] = 0;
    for (char *save, *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) add_path(line);
}

static void read_corpus(const char *name) {
    size_t length, offset = 0, capacity = 0;
    unsigned char *data = (unsigned char *)read_file(name, &length);
    while (offset + 4 <= length) {
        uint32_t size = (uint32_t)data[offset] << 24 | data[offset + 1] << 16 | data[offset + 2] << 8 | data[offset + 3];
        offset += 4;
        if (size > length - offset) fail("%s: truncated", name);
        if (message_count == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            messages = grow(messages, capacity * sizeof *messages);
            message_lengths = grow(message_lengths, capacity * sizeof *message_lengths);
        }
        messages[message_count] = data + offset;
        message_lengths[message_count++] = size;
        offset += size;
    }
    if (offset != length) fail("%s: truncated", name);
}

static void set_address(const char *host, const char *port) {
    if (!strncmp(host, "unix:", 5)) {
        struct sockaddr_un *address = (struct sockaddr_un *)&options.address;
        address->sun_family = AF_UNIX;
        if (strlen(host + 5) >= sizeof address->sun_path) fail("%s: path too long", host);
        strcpy(address->sun_path, host + 5);
        options.address_length = sizeof *address;
        return;
    }
    struct sockaddr_in *address = (struct sockaddr_in *)&options.address;
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)atoi(port));
    if (inet_pton(AF_INET, host, &address->sin_addr) != 1) fail("%s: not an IPv4 address", host);
    options.address_length = sizeof *address;
}

static void set_fixed(const char *host, const char *port, const char *headers, const char *body) {
    char *fixed = NULL;
    int length;
    if (body) length = asprintf(&fixed, " HTTP/1.1\r\nHost: %s:%s\r\n%sContent-Length: %zu\r\n\r\n%s", host, port,
                                headers, strlen(body), body);
    else length = asprintf(&fixed, " HTTP/1.1\r\nHost: %s:%s\r\n%s\r\n", host, port, headers);
    if (length < 0) fail("out of memory");
    options.fixed = fixed;
    options.fixed_length = (size_t)length;
}

static void parse_arguments(int count, char **arguments) {
    char *headers = strdup("");
    const char *body = NULL;
    if (count < 4) fail("usage: loadclient http|lmtp HOST PORT ...");
    options.lmtp = !strcmp(arguments[1], "lmtp");
    if (!options.lmtp && strcmp(arguments[1], "http")) fail("%s: neither http nor lmtp", arguments[1]);
    set_address(arguments[2], arguments[3]);
    for (int i = 4; i < count; i++) {
        const char *name = arguments[i], *value;
        if (!strcmp(name, "--fresh")) {
            options.fresh = 1;
            continue;
        }
        if (++i >= count) fail("%s needs a value", name);
        value = arguments[i];
        if (!strcmp(name, "--connections")) options.connections = atoi(value);
        else if (!strcmp(name, "--seconds")) options.seconds = atof(value);
        else if (!strcmp(name, "--warmup")) options.warmup = atof(value);
        else if (!strcmp(name, "--requests")) options.request_limit = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--first")) options.first_path = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--method")) options.method = value;
        else if (!strcmp(name, "--body")) body = value;
        else if (!strcmp(name, "--path")) add_path(arguments[i]);
        else if (!strcmp(name, "--paths")) read_paths(value);
        else if (!strcmp(name, "--corpus")) read_corpus(value);
        else if (!strcmp(name, "--to")) options.to = value;
        else if (!strcmp(name, "--from")) options.from = value;
        else if (!strcmp(name, "--header")) {
            char *longer;
            if (asprintf(&longer, "%s%s\r\n", headers, value) < 0) fail("out of memory");
            headers = longer;
        } else fail("%s: unknown option", name);
    }
    if (options.connections < 1 || options.connections > 10000) fail("--connections must be from 1 to 10000");
    if (options.lmtp && (!options.to || strlen(options.to) + strlen(options.from) > 1000)) fail("--to is missing");
    if (!options.lmtp && !path_count) fail("--path or --paths is missing");
    if (!options.lmtp && options.seconds <= 0 && !options.request_limit) fail("--seconds or --requests is missing");
    set_fixed(arguments[2], arguments[3], headers, body);
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t percentile(double fraction) {
    return latency_count ? latencies[(size_t)(fraction * (double)(latency_count - 1) + 0.5)] : 0;
}

static void print_string(const char *text) {
    putchar('"');
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') printf("\\%c", byte);
        else if (byte < 32 || byte > 126) printf("\\u%04x", byte);
        else putchar(byte);
    }
    putchar('"');
}

static void print_result(double seconds) {
    double sum = 0;
    struct rusage usage;
    const char *separator = "";
    for (size_t i = 0; i < latency_count; i++) sum += latencies[i];
    if (latency_count) qsort(latencies, latency_count, sizeof *latencies, compare);
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"seconds\":%.6f,\"finished\":%llu,\"bytes_in\":%llu,\"bytes_out\":%llu,", seconds,
           (unsigned long long)finished, (unsigned long long)bytes_in, (unsigned long long)bytes_out);
    printf("\"errors\":{\"connect\":%llu,\"io\":%llu,\"protocol\":%llu},", (unsigned long long)errors_connect,
           (unsigned long long)errors_io, (unsigned long long)errors_protocol);
    printf("\"statuses\":{");
    for (int i = 0; i < 1000; i++) {
        if (!statuses[i]) continue;
        printf("%s\"%d\":%llu", separator, i, (unsigned long long)statuses[i]);
        separator = ",";
    }
    printf("},\"latency\":{\"mean\":%.1f,\"p50\":%u,\"p90\":%u,\"p99\":%u,\"max\":%u},",
           latency_count ? sum / (double)latency_count : 0.0, percentile(0.5), percentile(0.9), percentile(0.99),
           percentile(1));
    printf("\"client_cpu_seconds\":%.3f,\"first_refusal\":",
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
               + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    print_string(first_refusal);
    puts("}");
}

int main(int count, char **arguments) {
    signal(SIGPIPE, SIG_IGN);
    parse_arguments(count, arguments);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct connection *connections = calloc((size_t)options.connections, sizeof *connections);
    if (!connections) fail("out of memory");
    print_result(run_loop(connections));
    return 0;
}
