/* A call of the library in which there is a panic, and one after it. With an argument it asks beforehand whether the library
 * survives that, and exits with 20 where it does not. */
#include <stddef.h>
#include <string.h>

#include "entrada.h"

/* Of the library's feature `bug`. */
entrada_result *entrada_panic(const entrada_request *request, const entrada_host *host);

static entrada_fault send_query(void *context, const entrada_query *query, uint16_t *status, entrada_buffer *headers,
                                entrada_buffer *body) {
    (void)context, (void)query, (void)status, (void)headers, (void)body;
    return ENTRADA_FAULT_UNREACHABLE;
}

static entrada_fault fill(void *context, entrada_buffer *buffer) {
    (void)context, (void)buffer;
    return ENTRADA_FAULT_NOT_FOUND;
}

static entrada_fault save(void *context, const void *cache, size_t length) {
    (void)context, (void)cache, (void)length;
    return ENTRADA_FAULT_DENIED;
}

static entrada_fault show_code(void *context, const char *code, const char *uri, const char *message) {
    (void)context, (void)code, (void)uri, (void)message;
    return ENTRADA_FAULT_CANCELLED;
}

static entrada_fault wait_for(void *context, uint64_t milliseconds) {
    (void)context, (void)milliseconds;
    return ENTRADA_FAULT_CANCELLED;
}

static uint64_t now(void *context) {
    (void)context;
    return 1700000000;
}

int main(int count, char **values) {
    (void)values;
    const entrada_host host = {NULL, send_query, fill, save, fill, show_code, wait_for, now};
    const char *scopes[] = {"a.scope"};
    const entrada_request request = {
        .authority = "http://127.0.0.1/contoso", .client_id = "client", .scopes = scopes, .scope_count = 1};
    if (count > 1 && !entrada_survives_panics()) return 20;

    entrada_result *result = entrada_panic(&request, &host);
    if (entrada_result_status(result) != ENTRADA_BUG || entrada_result_token(result) != NULL) return 11;
    if (strstr(entrada_result_message(result), "a bug") == NULL) return 12;
    entrada_result_free(result);

    result = entrada_silent(&request, &host);
    if (entrada_result_status(result) != ENTRADA_SIGN_IN_NEEDED) return 13;
    entrada_result_free(result);
    return entrada_survives_panics() ? 0 : 14;
}
