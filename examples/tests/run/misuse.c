/* What a program can do wrong: a null, a text that is not UTF-8, callbacks that fail. Exits with the line that it stops at. */
#include <stdlib.h>
#include <string.h>

#include "entrada.h"

#define CHECK(condition) do { if (!(condition)) exit(__LINE__ % 200 + 10); } while (0)

static entrada_fault fault = ENTRADA_FAULT_OTHER;

static entrada_fault send_query(void *context, const entrada_query *query, uint16_t *status, entrada_buffer *headers,
                                entrada_buffer *body) {
    CHECK(context == &fault && strcmp(query->method, "POST") == 0 && query->body_length == strlen(query->body));
    *status = 200;
    entrada_buffer_append(headers, "no colon\n:\n", 11);
    entrada_buffer_append(body, NULL, 0);
    return fault;
}

static entrada_fault fill(void *context, entrada_buffer *buffer) {
    (void)context;
    (void)buffer;
    return ENTRADA_FAULT_NOT_FOUND;
}

static entrada_fault fill_with_null(void *context, entrada_buffer *buffer) {
    (void)context;
    entrada_buffer_append(buffer, NULL, 1);
    return ENTRADA_FAULT_NONE;
}

static entrada_fault send_null(void *context, const entrada_query *query, uint16_t *status, entrada_buffer *headers,
                               entrada_buffer *body) {
    (void)context;
    (void)query;
    (void)headers;
    *status = 200;
    entrada_buffer_append(body, "{", 1);
    entrada_buffer_append(body, NULL, 1);
    return ENTRADA_FAULT_NONE;
}

static entrada_fault save(void *context, const void *cache, size_t length) {
    (void)context;
    (void)cache;
    (void)length;
    return -1;
}

static entrada_fault show_code(void *context, const char *code, const char *uri, const char *message) {
    (void)context;
    (void)code;
    (void)uri;
    (void)message;
    return ENTRADA_FAULT_CANCELLED;
}

static entrada_fault wait_for(void *context, uint64_t milliseconds) {
    (void)context;
    (void)milliseconds;
    return ENTRADA_FAULT_CANCELLED;
}

static uint64_t now(void *context) {
    (void)context;
    return UINT64_MAX;
}

/* A call ends like this, and says why. */
static void ends(entrada_result *result, entrada_status status, const char *message) {
    CHECK(result != NULL && entrada_result_status(result) == status);
    CHECK(entrada_result_token(result) == NULL && entrada_result_account(result) == NULL);
    CHECK(entrada_result_expires_on(result) == 0 && entrada_result_claims(result) == NULL);
    CHECK(strstr(entrada_result_message(result), message) != NULL);
    entrada_result_free(result);
}

int main(void) {
    const entrada_host host = {&fault, send_query, fill, save, fill, show_code, wait_for, now};
    const char *scopes[] = {"a.scope"}, *none[] = {NULL};
    const entrada_request request = {"http://127.0.0.1/contoso", "client", scopes, 1, NULL};

    ends(entrada_silent(NULL, &host), ENTRADA_MISUSE, "request is null");
    ends(entrada_silent(&request, NULL), ENTRADA_MISUSE, "host is null");
    entrada_host partial = host;
    partial.set_aside = NULL;
    ends(entrada_silent(&request, &partial), ENTRADA_MISUSE, "host.set_aside is null");

    entrada_request wrong = request;
    wrong.authority = NULL;
    ends(entrada_silent(&wrong, &host), ENTRADA_MISUSE, "request.authority is null");
    wrong.authority = "http://contoso.example/contoso";
    ends(entrada_silent(&wrong, &host), ENTRADA_FAILED, "https");
    wrong = request;
    wrong.client_id = "\xff";
    ends(entrada_silent(&wrong, &host), ENTRADA_MISUSE, "request.client_id is not UTF-8");
    wrong = request;
    wrong.scopes = none;
    ends(entrada_silent(&wrong, &host), ENTRADA_MISUSE, "a scope is null");
    wrong.scopes = NULL;
    ends(entrada_silent(&wrong, &host), ENTRADA_MISUSE, "request.scopes is null");
    wrong.scope_count = 0;
    ends(entrada_silent(&wrong, &host), ENTRADA_FAILED, "no scope is given");
    wrong = request;
    wrong.claims = "\xff";
    ends(entrada_silent(&wrong, &host), ENTRADA_MISUSE, "request.claims is not UTF-8");
    wrong.claims = "";
    ends(entrada_silent(&wrong, &host), ENTRADA_FAILED, "the claims are not a JSON object");

    ends(entrada_silent(&request, &host), ENTRADA_SIGN_IN_NEEDED, "nobody is signed in");
    ends(entrada_sign_in(&request, &host), ENTRADA_FAILED, "the authority cannot be asked");
    fault = ENTRADA_FAULT_TIMED_OUT;
    ends(entrada_sign_in(&request, &host), ENTRADA_TRY_LATER, "it did not answer in time");
    fault = ENTRADA_FAULT_CANCELLED;
    ends(entrada_sign_in(&request, &host), ENTRADA_CANCELLED, "cancelled");
    fault = ENTRADA_FAULT_NONE;
    ends(entrada_sign_in(&request, &host), ENTRADA_FAILED, "device code endpoint");

    partial = host;
    partial.load = fill_with_null;
    ends(entrada_silent(&request, &partial), ENTRADA_MISUSE, "null bytes");
    partial.load = fill;
    partial.send = send_null;
    ends(entrada_sign_in(&request, &partial), ENTRADA_MISUSE, "null bytes");

    CHECK(entrada_result_status(NULL) == ENTRADA_MISUSE && entrada_result_token(NULL) == NULL);
    CHECK(entrada_result_account(NULL) == NULL && entrada_result_message(NULL) == NULL);
    CHECK(entrada_result_claims(NULL) == NULL && entrada_result_expires_on(NULL) == 0);
    entrada_result_free(NULL);
    entrada_buffer_append(NULL, "x", 1);
    return 0;
}
