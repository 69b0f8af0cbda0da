// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forms of allocation in C. `//= TYPE | VARIABLE` is what the source is to tell of the line's site; ?
// = unknown.

#include "shapes.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct node {
    struct node *next;
    int value;
};
struct text {
    size_t length;
    char bytes[];
};
struct head {
    int kind;
};
#define COMMON                                                                                     \
    struct common *next;                                                                           \
    char tag
struct common {
    COMMON;
};
struct table {
    COMMON;
    int slots[4];
};
struct string { // begins otherwise
    struct common *next;
    int length, bytes;
};
struct body {
    struct head head;
    long more[3];
};
typedef struct {
    int a, b;
} pair_t;
typedef struct node *node_ptr;
typedef struct node node_t;
typedef uint32_t word_t;
enum colour { RED };
union number {
    long l;
    double d;
};
struct list {
    struct node *first;
    pair_t *pairs;
    struct {
        short *samples;
    } in;
    union {
        float *floats;
        int *ints;
    };
    char *names[3];
};
struct list whole, *volatile current, *lists[2];
struct {
    long *table;
} unnamed;
void *volatile sink;

#define KEEP(p) sink = (void *)(p)

__attribute__((noinline)) static void take_pair(pair_t *pair, int n) {
    KEEP(pair);
    sink = (char *)sink + (n > 1000);
}
__attribute__((noinline)) static struct node *make_node(void) {
    struct node *fresh = malloc(sizeof(struct node)); //= struct node | fresh
    return fresh;
}
__attribute__((noinline)) static union number *make_number(void) {
    return calloc(1, sizeof(union number)); //= union number | ?
}
__attribute__((noinline)) static struct node *through_void(int n) {
    void *p = malloc(sizeof(struct node)); //= struct node | p
    if (!p || n > 1000)
        return NULL;
    return p;
}
__attribute__((noinline)) static void later(struct list *list, size_t n) {
    void *p = malloc(n); //= pair_t | list.pairs
    list->pairs = p;
}
__attribute__((noinline)) static void two_ways(struct list *list, size_t n) {
    void *p = malloc(n * 8); //= ? | p
    list->pairs = p;
    list->first = p;
}
__attribute__((noinline)) static void set_twice(struct list *list, size_t n) {
    void *p = malloc(n); //= ? | p
    if (n > 1000)
        p = list;
    list->pairs = p;
}
__attribute__((noinline)) static void out(struct node **where) {
    *where = malloc(sizeof **where); //= struct node | *where
}
__attribute__((noinline)) static void bytes(void **where, size_t n) {
    *where = malloc(n); //= ? | ?
}
__attribute__((noinline)) static void *untyped(size_t n) {
    return malloc(n); //= ? | sink
}

__attribute__((noinline)) static void *with_head(size_t n) {
    long *p = malloc(n + sizeof(long)); //= ? | sink
    p[0] = (long)n;
    p++;
    return (void *)p;
}
__attribute__((noinline)) static void *opaque_node(void) {
    struct node *p = malloc(sizeof *p); //= struct node | p
    p->next = NULL;
    return p;
}

int main(int argc, char **argv) {
    (void)argv;
    int n = argc + 3;
    size_t size = (size_t)n;
    struct list *list = calloc(1, sizeof *list); //= struct list | list
    struct node *cast = (struct node *)malloc(sizeof(struct node)); //= struct node | cast
    KEEP(cast);
    struct node *macro = NEW(struct node); //= struct node | macro
    KEEP(macro);
    pair_t *zeroed = NEW_ZEROED(pair_t); //= pair_t | zeroed
    KEEP(zeroed);
    enum colour *colours = ARRAY(enum colour, size); //= enum colour | colours
    KEEP(colours);
    char *got = GET(size); //= char | got
    KEEP(got);
    struct node *chosen;
    ALLOCATE(chosen); //= struct node | chosen
    KEEP(chosen);
    struct node *checked = CHECKED(sizeof(struct node)); //= struct node | checked
    KEEP(checked);
    void *by_size = malloc(sizeof(struct body)); //= struct body | by_size
    KEEP(by_size);
    void *pointers = malloc(size * sizeof(struct node *)); //= ? | pointers
    KEEP(pointers);
    void *by_macro = malloc(sizeof(word_t) * size); //= word_t | by_macro
    KEEP(by_macro);
    pair_t *ten = malloc(10 * sizeof *ten); //= pair_t | ten
    KEEP(ten);
    struct text *text = malloc(sizeof *text + size); //= struct text | text
    KEEP(text);
    struct text *behind = malloc(size + sizeof(struct text)); //= struct text | behind
    KEEP(behind);
    char *hidden = malloc(sizeof(struct text) + size); //= ? | hidden
    KEEP(hidden);
    struct head *derived = malloc(sizeof(struct body)); //= struct body | derived
    KEEP(derived);
    struct head *wrong = malloc(sizeof(struct node) + sizeof(struct body)); //= ? | wrong
    struct common *table = malloc(sizeof(struct table)); //= struct table | table
    KEEP(table);
    struct common *string = malloc(sizeof(struct string)); //= ? | string
    KEEP(string);
    KEEP(wrong);
    struct node *odd = malloc(17); //= ? | odd
    KEEP(odd);
    node_ptr hidden_pointer = malloc(sizeof *hidden_pointer); //= struct node | hidden_pointer
    KEEP(hidden_pointer);
    node_t *alias = malloc(sizeof(node_t)); //= struct node | alias
    KEEP(alias);
    word_t *words = malloc(size * sizeof(uint32_t)); //= word_t | words
    KEEP(words);
    const char *constant = malloc(3); //= char | constant
    KEEP(constant);
    int(*rows)[4] = malloc(size * sizeof *rows); //= int[4] | rows
    KEEP(rows);
    int(*(*calls))(int, char *) = malloc(2 * sizeof *calls); //= int (*)(int, char *) | calls
    KEEP(calls);
    char ***deep = malloc(size * sizeof *deep); //= char ** | deep
    KEEP(deep);
    list->first = malloc(sizeof(struct node)); //= struct node | list.first
    (*list).pairs = malloc(sizeof(pair_t)); //= pair_t | list.pairs
    list->in.samples = malloc(size * 2); //= short | list.in.samples
    list->floats = malloc(size * sizeof(float)); //= float | list.floats
    list->names[n % 3] = malloc(size); //= char | list.names[]
    list->first->next = malloc(sizeof(struct node)); //= struct node | node.next
    whole.first = malloc(sizeof(struct node)); //= struct node | list.first
    current = malloc(sizeof *current); //= struct list | current
    lists[1] = malloc(sizeof *lists[1]); //= struct list | lists[]
    unnamed.table = malloc(size * sizeof(long)); //= long | unnamed.table
    struct list prepared = {.first = malloc(sizeof(struct node)), //= struct node | list.first
                            .names = {NULL}};
    KEEP(prepared.first);
    char *both[] = {malloc(3), NULL}; //= char | both[]
    KEEP(both[0]);
    take_pair(malloc(sizeof(pair_t)), n); //= pair_t | ?
    long *either = n > 2 ? malloc(8 * size) : NULL; //= long | either
    KEEP(either);
    long *after = (n++, malloc(16)); //= long | after
    KEEP(after);
    double *tested;
    if ((tested = malloc(size * sizeof(double))) == NULL) //= double | tested
        return 1;
    KEEP(tested);
    char *shifted = (char *)malloc(size + 16) + 16; //= ? | ?
    KEEP(shifted - 16);
    uintptr_t number = (uintptr_t)malloc(size); //= ? | ?
    KEEP(number);
    struct node *grown = realloc(NULL, 2 * sizeof(struct node)); //= struct node | grown
    KEEP(grown);
    void *again = realloc(list->names[n % 3], size); //= char | again
    KEEP(again);
    pair_t *array = reallocarray(NULL, size, sizeof *array); //= pair_t | array
    KEEP(array);
    float *aligned = aligned_alloc(64, 128); //= float | aligned
    KEEP(aligned);
    struct node *placed;
    if (posix_memalign((void **)&placed, 64, sizeof *placed) != 0) //= struct node | placed
        return 1;
    KEEP(placed);
    void *raw;
    if (posix_memalign(&raw, 64, size) != 0) //= ? | raw
        return 1;
    KEEP(raw);
    struct node *first = malloc(sizeof *first), //= struct node | first
        *second = malloc(sizeof *second);       //= struct node | second
    KEEP(first);
    KEEP(second);
    struct shape *shape = shape_new(n);
    KEEP(shape);
    KEEP(make_node());
    KEEP(make_number());
    KEEP(through_void(n));
    later(list, size);
    two_ways(list, size);
    set_twice(list, size);
    out(&list->first);
    bytes(&by_size, size);
    KEEP(untyped(size));
    KEEP(with_head(size));
    KEEP(opaque_node());
    return 0;
}
