/*
 * A program in C that signs in with entrada: its own sockets, a file for a cache, the system's clock.
 *
 *     main AUTHORITY CLIENT_ID SCOPE CACHE SECONDS_AHEAD
 *
 * It speaks plain http, for an authority on loopback. In a program for the world TLS takes the place of `read` and `write`
 * in `send_query`.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "entrada.h"

/* What the callbacks need: it is handed to each as `context`. */
typedef struct program {
    const char *cache;
    uint64_t seconds_ahead;
} program;

static entrada_fault fault_of(int error) {
    switch (error) {
    case ENOENT:
        return ENTRADA_FAULT_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ENTRADA_FAULT_DENIED;
    case EAGAIN:
        return ENTRADA_FAULT_TIMED_OUT;
    case ECONNREFUSED:
    case ECONNRESET:
        return ENTRADA_FAULT_UNREACHABLE;
    default:
        return ENTRADA_FAULT_OTHER;
    }
}

/* Where bytes were that are secret. The compiler may not leave it out. */
static void wipe(void *bytes, size_t length) {
    for (volatile unsigned char *byte = bytes; length > 0; length--) *byte++ = 0;
}

static entrada_fault write_all(int to, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t count = write(to, bytes, length);
        if (count < 0) return fault_of(errno);
        bytes += count;
        length -= (size_t)count;
    }
    return ENTRADA_FAULT_NONE;
}

/* Connects to the host of `http://HOST:PORT/...`; -1 where that is not possible. `path` is what follows. */
static int dial(const char *url, uint64_t timeout_ms, char *authority, size_t size, const char **path) {
    static const char scheme[] = "http://";
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    struct timeval timeout = {.tv_sec = (time_t)(timeout_ms / 1000), .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000)};
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) return -1;
    url += sizeof scheme - 1;
    *path = strchr(url, '/');
    if (*path == NULL || (size_t)(*path - url) >= size) return -1;
    memcpy(authority, url, (size_t)(*path - url));
    authority[*path - url] = '\0';

    char host[256];
    char *port = strchr(authority, ':');
    if (port == NULL) return -1;
    snprintf(host, sizeof host, "%.*s", (int)(port - authority), authority);
    if (getaddrinfo(host, port + 1, &hints, &found) != 0) return -1;
    int stream = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (stream >= 0) {
        setsockopt(stream, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        setsockopt(stream, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        if (connect(stream, found->ai_addr, found->ai_addrlen) != 0) {
            close(stream);
            stream = -1;
        }
    }
    freeaddrinfo(found);
    return stream;
}

/* Reads until the connection ends, and no more than `limit`; a zero comes after. The caller frees `*bytes`. */
static entrada_fault read_all(int from, size_t limit, char **bytes, size_t *length) {
    size_t room = limit + 1;
    char *all = calloc(room + 1, 1);
    if (all == NULL) return ENTRADA_FAULT_OTHER;
    *bytes = all;
    *length = 0;
    while (*length < room) {
        ssize_t count = read(from, all + *length, room - *length);
        if (count < 0) return fault_of(errno);
        if (count == 0) return ENTRADA_FAULT_NONE;
        *length += (size_t)count;
    }
    return ENTRADA_FAULT_TOO_LARGE;
}

/* Takes an answer apart: the status, the lines of the head, the body. */
static entrada_fault split(char *bytes, size_t length, uint16_t *status, entrada_buffer *headers, entrada_buffer *body) {
    unsigned code = 0;
    char *head = NULL, *end = NULL;
    for (size_t at = 0; at + 4 <= length && end == NULL; at++) {
        if (head == NULL && memcmp(bytes + at, "\r\n", 2) == 0) head = bytes + at + 2;
        if (memcmp(bytes + at, "\r\n\r\n", 4) == 0) end = bytes + at;
    }
    if (end == NULL || length < 13 || sscanf(bytes, "HTTP/1.%*1u %3u", &code) != 1) return ENTRADA_FAULT_UNREACHABLE;
    *status = (uint16_t)code;
    if (head < end) entrada_buffer_append(headers, head, (size_t)(end - head));
    entrada_buffer_append(body, end + 4, (size_t)(bytes + length - end - 4));
    return ENTRADA_FAULT_NONE;
}

/* HTTP/1.0, so that the answer is not chunked and ends with the connection. */
static entrada_fault send_query(void *context, const entrada_query *query, uint16_t *status, entrada_buffer *headers,
                                entrada_buffer *body) {
    (void)context;
    char authority[256], line[512], *bytes = NULL;
    const char *path = NULL;
    size_t length = 0;
    int stream = dial(query->url, query->timeout_ms, authority, sizeof authority, &path);
    if (stream < 0) return ENTRADA_FAULT_UNREACHABLE;
    int count = snprintf(line, sizeof line, "%s %s HTTP/1.0\r\nhost: %s\r\ncontent-length: %zu\r\n", query->method, path,
                         authority, query->body_length);
    entrada_fault fault = count < 0 || (size_t)count >= sizeof line ? ENTRADA_FAULT_OTHER
                                                                    : write_all(stream, line, (size_t)count);
    if (fault == ENTRADA_FAULT_NONE) fault = write_all(stream, query->headers, strlen(query->headers));
    if (fault == ENTRADA_FAULT_NONE) fault = write_all(stream, "\r\n", 2);
    if (fault == ENTRADA_FAULT_NONE) fault = write_all(stream, query->body, query->body_length);
    if (fault == ENTRADA_FAULT_NONE) fault = read_all(stream, query->body_limit, &bytes, &length);
    if (fault == ENTRADA_FAULT_NONE) fault = split(bytes, length, status, headers, body);
    if (bytes != NULL) wipe(bytes, length);
    free(bytes);
    close(stream);
    return fault;
}

static entrada_fault load_cache(void *context, entrada_buffer *cache) {
    const program *self = context;
    char part[4096];
    ssize_t count;
    int file = open(self->cache, O_RDONLY);
    if (file < 0) return fault_of(errno);
    while ((count = read(file, part, sizeof part)) > 0) entrada_buffer_append(cache, part, (size_t)count);
    entrada_fault fault = count < 0 ? fault_of(errno) : ENTRADA_FAULT_NONE;
    wipe(part, sizeof part);
    close(file);
    return fault;
}

/* The next cache grows beside the old one, and takes its place when it is whole. It is a new file: what may lie there has a
 * mode of its own, or is a link to elsewhere. */
static entrada_fault save_cache(void *context, const void *cache, size_t length) {
    const program *self = context;
    char next[4096];
    snprintf(next, sizeof next, "%s.next", self->cache);
    if (unlink(next) != 0 && errno != ENOENT) return fault_of(errno);
    int file = open(next, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file < 0) return fault_of(errno);
    entrada_fault fault = write_all(file, cache, length);
    if (fault == ENTRADA_FAULT_NONE && fsync(file) != 0) fault = fault_of(errno);
    close(file);
    if (fault == ENTRADA_FAULT_NONE && rename(next, self->cache) != 0) fault = fault_of(errno);
    return fault;
}

static entrada_fault set_aside(void *context, entrada_buffer *place) {
    const program *self = context;
    char aside[4096];
    snprintf(aside, sizeof aside, "%s.corrupt", self->cache);
    if (rename(self->cache, aside) != 0) return fault_of(errno);
    entrada_buffer_append(place, aside, strlen(aside));
    return ENTRADA_FAULT_NONE;
}

static entrada_fault show_code(void *context, const char *code, const char *uri, const char *message) {
    (void)context;
    (void)message;
    printf("enter %s at %s\n", code, uri);
    fflush(stdout);
    return ENTRADA_FAULT_NONE;
}

static entrada_fault wait_for(void *context, uint64_t milliseconds) {
    (void)context;
    struct timespec time = {.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000 * 1000000)};
    return nanosleep(&time, NULL) == 0 ? ENTRADA_FAULT_NONE : ENTRADA_FAULT_CANCELLED;
}

static uint64_t now(void *context) {
    const program *self = context;
    return (uint64_t)time(NULL) + self->seconds_ahead;
}

int main(int count, char **values) {
    if (count != 6) {
        fprintf(stderr, "usage: main AUTHORITY CLIENT_ID SCOPE CACHE SECONDS_AHEAD\n");
        return 2;
    }
    program self = {.cache = values[4], .seconds_ahead = strtoull(values[5], NULL, 10)};
    entrada_host host = {&self, send_query, load_cache, save_cache, set_aside, show_code, wait_for, now};
    const char *scopes[] = {values[3]};
    entrada_request request = {values[1], values[2], scopes, 1, NULL};

    entrada_result *result = entrada_silent(&request, &host);
    if (entrada_result_status(result) == ENTRADA_SIGN_IN_NEEDED) {
        printf("%s\n", entrada_result_message(result));
        entrada_result *silent = result;
        request.claims = entrada_result_claims(silent);
        if (request.claims != NULL) printf("claims: %s\n", request.claims);
        result = entrada_sign_in(&request, &host);
        entrada_result_free(silent);
    }
    int status = entrada_result_status(result);
    if (status == ENTRADA_OK) {
        const char *account = entrada_result_account(result);
        printf("a token of %zu characters for %s\n", strlen(entrada_result_token(result)), account ? account : "nobody");
    }
    if (entrada_result_message(result) != NULL) fprintf(stderr, "%s\n", entrada_result_message(result));
    entrada_result_free(result);
    return status;
}
