/* Keeps what a program frees: appends every block, as it is when it is freed, to the file that FREED names. Linked into the
 * program, these take the place of the C library's own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void __libc_free(void *block);

static void keep(const char *block, size_t size) {
    static int file = -1;
    const char *name = getenv("FREED");
    int before = errno;
    if (file < 0 && name != NULL) file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) _exit(97);
    while (size > 0) {
        ssize_t count = write(file, block, size);
        if (count <= 0) _exit(98);
        block += count;
        size -= (size_t)count;
    }
    errno = before;
}

void free(void *block) {
    if (block != NULL) keep(block, malloc_usable_size(block));
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
