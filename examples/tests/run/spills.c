/* A program that frees a secret, or a piece of one, as it is: the one that must be found. */
#include <stdlib.h>
#include <string.h>

int main(void) {
    static void (*volatile release)(void *) = free;
    const char *secret = getenv("SECRET");
    char *copy = secret == NULL ? NULL : malloc(strlen(secret) + 1);
    if (copy == NULL) return 1;
    strcpy(copy, secret);
    release(copy);
    return 0;
}
