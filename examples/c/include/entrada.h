/*
 * entrada for C: tokens for apps that are published through Microsoft Entra application proxy.
 *
 * The library does no I/O of its own. It says what it wants through the callbacks of an `entrada_host`: send this to
 * the authority, load the cache, save it, show the user a code, let time pass. A program brings its sockets and its TLS,
 * its storage and its clock, and gets a token:
 *
 *     entrada_result *result = entrada_silent(&request, &host);
 *     if (entrada_result_status(result) == ENTRADA_SIGN_IN_NEEDED) {
 *         entrada_result *silent = result;
 *         request.claims = entrada_result_claims(silent);
 *         result = entrada_sign_in(&request, &host);
 *         entrada_result_free(silent);
 *     }
 *     const char *token = entrada_result_token(result);
 *     if (token != NULL) { ... "Authorization: Bearer <token>" ... }
 *     entrada_result_free(result);
 *
 * Ownership: what a program hands in stays its own, and is not kept beyond the call. What a callback is handed is the
 *     library's, and good until the callback returns. What an accessor of a result returns is the result's, and good until
 *     it is freed. The library frees what it allocated, and no more; what held a secret is overwritten first.
 * Null: where it is allowed the comment says so. Anywhere else it is answered with ENTRADA_MISUSE, not with a crash.
 * Threads: there is no global state. A call runs on the thread that makes it, and calls back on that thread alone; several
 *     may run at once, with hosts that allow that. A result may be read by many threads, and freed by one, once.
 * Callbacks return a value of `entrada_fault`. They must not jump out of the call (longjmp, C++ exceptions), and may
 *     make other calls of this library.
 * Strings are UTF-8 and end with a zero.
 * Build: `cargo build --package entrada-example-c --profile release-unwind`. Cargo's own profile `release` has
 *     `panic = "abort"` here: there is no ENTRADA_BUG with it, a bug ends the process. entrada_survives_panics tells.
 */
#ifndef ENTRADA_H
#define ENTRADA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a call ended. */
typedef int entrada_status;
enum {
    ENTRADA_OK = 0,             /* There is a token. */
    ENTRADA_SIGN_IN_NEEDED = 1, /* Silently there is none: entrada_sign_in, or a sign-in elsewhere. */
    ENTRADA_TRY_LATER = 2,      /* The network or the authority is away; nobody has to change anything. */
    ENTRADA_CANCELLED = 3,      /* A callback said ENTRADA_FAULT_CANCELLED. */
    ENTRADA_FAILED = 4,         /* Another failure: entrada_result_message tells it. */
    ENTRADA_MISUSE = 5,         /* A null or a text that is not UTF-8, where there must be one that is. */
    ENTRADA_BUG = 6             /* A bug of the library, which went no further than this call: see "Build" above. */
};

/* How a callback ended. Any other value is taken for ENTRADA_FAULT_OTHER. */
typedef int entrada_fault;
enum {
    ENTRADA_FAULT_NONE = 0,        /* It worked. */
    ENTRADA_FAULT_UNREACHABLE = 1, /* No route, no name, connection refused or cut. */
    ENTRADA_FAULT_UNTRUSTED = 2,   /* TLS says that the other side is not who it should be. */
    ENTRADA_FAULT_TIMED_OUT = 3,   /* No answer in time. */
    ENTRADA_FAULT_DENIED = 4,      /* The system does not allow it. */
    ENTRADA_FAULT_NOT_FOUND = 5,   /* It is not there, such as a cache before the first sign-in. */
    ENTRADA_FAULT_TOO_LARGE = 6,   /* More than `body_limit`. */
    ENTRADA_FAULT_CANCELLED = 7,   /* The user, or the program, gave up: the call ends. */
    ENTRADA_FAULT_OTHER = 8
};

/* Bytes that a callback gives to the library. */
typedef struct entrada_buffer entrada_buffer;

/* Copies `length` bytes to the end of a buffer. `bytes` may be null where `length` is 0; elsewhere the call that the buffer is
 * for ends with ENTRADA_MISUSE. A null `buffer` is of no call: nothing happens. To be called within the callback that was
 * handed the buffer, on its thread. */
void entrada_buffer_append(entrada_buffer *buffer, const void *bytes, size_t length);

/* A request to the authority. The body may hold secrets. */
typedef struct entrada_query {
    const char *method;    /* "GET" or "POST". */
    const char *url;       /* Absolute: https, or http on loopback. */
    const char *headers;   /* Lines `name: value`, each ended by CR LF; content-length and host are not among them. */
    const char *body;      /* Empty for a GET. */
    size_t body_length;
    uint64_t timeout_ms;   /* For all of it: connection, request and answer. */
    size_t body_limit;     /* The largest body of an answer, in bytes. */
} entrada_query;

/* What a program does for the library. No callback may be null; `context` may, and is handed to each as it is. */
typedef struct entrada_host {
    void *context;

    /* Sends a request, follows no redirect, and brings the answer, whatever its status: the status code, the head's lines
     * (`name: value`, each ended by LF or CR LF), and the body without its transfer coding. */
    entrada_fault (*send)(void *context, const entrada_query *query, uint16_t *status, entrada_buffer *headers,
                          entrada_buffer *body);

    /* Brings the cache's bytes as they were saved; ENTRADA_FAULT_NOT_FOUND where there are none yet. */
    entrada_fault (*load)(void *context, entrada_buffer *cache);

    /* Replaces the cache, all or nothing. It holds secrets: nobody but its owner may read it. Two programs that share a
     * cache would need a lock around a whole call. */
    entrada_fault (*save)(void *context, const void *cache, size_t length);

    /* Moves a cache that cannot be read out of the way, losing nothing; tells where it is now. */
    entrada_fault (*set_aside)(void *context, entrada_buffer *place);

    /* Shows the user a code, and where to enter it. `message`, the authority's own sentence, may be null. */
    entrada_fault (*show_code)(void *context, const char *code, const char *uri, const char *message);

    /* Lets time pass. */
    entrada_fault (*wait)(void *context, uint64_t milliseconds);

    /* Tells the time, in seconds since 1970-01-01T00:00:00Z. */
    uint64_t (*now)(void *context);
} entrada_host;

/* What is asked for. Nothing may be null but `claims`, and `scopes` where `scope_count` is 0, which is an error of its own. */
typedef struct entrada_request {
    const char *authority;     /* Such as "https://login.microsoftonline.com/contoso.onmicrosoft.com". */
    const char *client_id;     /* Of the native client's registration. */
    const char *const *scopes; /* Verbatim, slash for slash. */
    size_t scope_count;
    const char *claims;        /* JSON, from entrada_result_claims or decoded from an app's challenge; null where nobody
                                * demands any. With them the cache's token is passed over. */
} entrada_request;

/* How a call ended: a token, or why there is none. */
typedef struct entrada_result entrada_result;

/* A token from the cache or from a refresh; shows nothing to the user. Never returns null; the result is the caller's, to
 * be given to entrada_result_free. */
entrada_result *entrada_silent(const entrada_request *request, const entrada_host *host);

/* A token from a sign-in with a code that the user enters on another device. As entrada_silent otherwise. */
entrada_result *entrada_sign_in(const entrada_request *request, const entrada_host *host);

/* ENTRADA_OK, or why there is no token; ENTRADA_MISUSE for null. */
entrada_status entrada_result_status(const entrada_result *result);

/* The access token, or null. A secret: overwritten when the result is freed. */
const char *entrada_result_token(const entrada_result *result);

/* Whose token it is; null where there is none, or nobody knows. */
const char *entrada_result_account(const entrada_result *result);

/* When the token stops being good, in seconds since 1970; 0 where there is none. */
uint64_t entrada_result_expires_on(const entrada_result *result);

/* What to tell the user: what went wrong, or, with a token, what went wrong beside the way; null where nothing did. */
const char *entrada_result_message(const entrada_result *result);

/* Claims (JSON) that the next sign-in must ask for, in `claims` of its request; null where none are demanded. */
const char *entrada_result_claims(const entrada_result *result);

/* 1 where a bug of the library ends as ENTRADA_BUG; 0 where it ends the process, as the library is built without
 * unwinding. */
int entrada_survives_panics(void);

/* Frees a result and all that was got from it. Null is fine. */
void entrada_result_free(entrada_result *result);

#ifdef __cplusplus
}
#endif

#endif
