/* A program that does not free what it was given: the one that valgrind must find. */
#include <stddef.h>

#include "entrada.h"

int main(void) {
    return entrada_result_status(entrada_silent(NULL, NULL)) == ENTRADA_MISUSE ? 0 : 1;
}
