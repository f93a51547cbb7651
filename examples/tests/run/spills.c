/* A program that frees a secret as it is: the one that must be found. */
#include <stdlib.h>
#include <string.h>

int main(void) {
    static void (*volatile release)(void *) = free;
    const char *secrets = getenv("SECRETS");
    char *copy = malloc(strlen(secrets) + 1);
    if (copy == NULL) return 1;
    strcpy(copy, secrets);
    release(copy);
    return 0;
}
