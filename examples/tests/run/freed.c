/* Looks at all that a program frees: ends it with 98 where a secret is in there. The environment names, in SECRETS, how
 * each begins, with spaces between. Linked into the program, these take the place of the C library's own. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void __libc_free(void *block);

static void look(const void *block, size_t size) {
    const char *secret = getenv("SECRETS");
    while (secret != NULL && *secret != '\0') {
        size_t length = strcspn(secret, " ");
        if (memmem(block, size, secret, length) != NULL) {
            static const char found[] = "freed with a secret in it\n";
            if (write(STDERR_FILENO, found, sizeof found - 1) >= 0) _exit(98);
        }
        secret += length + strspn(secret + length, " ");
    }
}

void free(void *block) {
    if (block != NULL) look(block, malloc_usable_size(block));
    __libc_free(block);
}

/* It always moves: where a block may grow in place is luck. */
void *realloc(void *block, size_t size) {
    void *moved = __libc_malloc(size);
    if (moved == NULL || block == NULL) return moved;
    size_t old = malloc_usable_size(block);
    memcpy(moved, block, old < size ? old : size);
    free(block);
    return moved;
}
