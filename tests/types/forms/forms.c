// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forms of allocation in C. `//= TYPE | VARIABLE` is what the site of the line is to say; ? =
// unknown.

#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;
    int value;
    double tail[];
};
struct conn {
    int fd;
    char *buf;
    union {
        struct node *list;
        long number;
    };
    char *names[4];
    struct {
        int *deep;
    } in;
};
struct base {
    int kind;
};
struct derived {
    struct base base;
    int more;
};
typedef struct {
    int a, b;
} pair_t;
typedef struct node node_t;
typedef unsigned char u8;
enum colour { RED };
union word {
    long l;
    double d;
};
struct conn whole, *volatile current, *table[4];
char *volatile text;
static struct {
    short *samples;
} unnamed;
void *volatile sink;

__attribute__((noinline)) static void *wrapper(size_t size) {
    void *p = malloc(size); //= ? | p
    return p;
}
__attribute__((noinline)) static struct conn *make(int n) {
    if (n > 100)
        return NULL;
    return malloc(sizeof(struct conn)); //= struct conn | ?
}
__attribute__((noinline)) static void out(char **where) {
    *where = malloc(11); //= char | *where
}
__attribute__((noinline)) static void take(pair_t *pair) {
    sink = pair;
}

int main(int argc, char **argv) {
    (void)argv;
    int n = argc + 3;
    struct conn *c = malloc(sizeof *c); //= struct conn | c
    sink = c;
    struct conn *cast = (struct conn *)malloc(sizeof(struct conn)); //= struct conn | cast
    sink = cast;
    struct conn *zero = calloc(1, sizeof *zero); //= struct conn | zero
    sink = zero;
    struct conn *many = calloc((size_t)n, sizeof *many); //= struct conn | many
    sink = many;
    struct node *open = malloc(sizeof *open + 8 * sizeof(double)); //= struct node | open
    sink = open;
    node_t *alias = malloc(sizeof(node_t)); //= struct node | alias
    sink = alias;
    pair_t *pairs = malloc(10 * sizeof *pairs); //= ? | pairs
    sink = pairs;
    u8 *bytes = malloc((size_t)n); //= u8 | bytes
    sink = bytes;
    enum colour *colours = malloc((size_t)n * sizeof *colours); //= enum colour | colours
    sink = colours;
    union word *words = malloc((size_t)n * sizeof *words); //= union word | words
    sink = words;
    const char *fixed = malloc(3); //= char | fixed
    sink = (void *)fixed;
    int(*rows)[10] = malloc(sizeof *rows); //= int[10] | rows
    sink = rows;
    char **strings = calloc((size_t)n, sizeof *strings); //= char * | strings
    sink = strings;
    strings[2] = malloc(7);                      //= char | strings[]
    strings[0] = malloc(8);                      //= char | strings[]
    strings[n - 1] = malloc(9);                  //= char | strings[]
    c->buf = malloc((size_t)n);                  //= char | conn.buf
    c->names[n % 4] = malloc(5);                 //= char | conn.names[]
    c->list = malloc(sizeof(struct node));       //= struct node | conn.list
    c->in.deep = malloc(4 * sizeof(int));        //= int | conn.in.deep
    whole.buf = malloc(4);                       //= char | conn.buf
    current = malloc(sizeof *current);           //= struct conn | current
    table[1] = malloc(sizeof **table);           //= struct conn | table[]
    table[n % 4] = malloc(sizeof **table);       //= struct conn | table[]
    text = malloc(2);                            //= char | text
    unnamed.samples = malloc(2 * sizeof(short)); //= short | unnamed.samples
    void *untyped = malloc((size_t)n);           //= ? | untyped
    sink = untyped;
    void *grown = realloc(c->buf, 2 * (size_t)n); //= char | conn.buf
    if (grown)
        c->buf = grown;
    c->buf = realloc(c->buf, 3 * (size_t)n);             //= char | conn.buf
    text = realloc(text, 20);                            //= char | text
    text = strdup("hello");                              //= char | text
    text = strndup("hello", 3);                          //= char | text
    long *either = n > 2 ? malloc(8 * (size_t)n) : NULL; //= long | either
    sink = either;
    take(malloc(sizeof(pair_t)));            //= pair_t | ?
    float *aligned = aligned_alloc(64, 128); //= float | aligned
    sink = aligned;
    struct base *derived = malloc(sizeof(struct derived)); //= ? | derived
    sink = derived;
    pair_t *ten = calloc(10, sizeof *ten); //= pair_t | ten
    sink = ten;
    struct conn *odd = malloc(sizeof *odd + 3); //= ? | odd
    sink = odd;
    double *placed;
    if (posix_memalign((void **)&placed, 64, 64) == 0) //= double | placed
        sink = placed;
    void (**calls)(int) = malloc(2 * sizeof *calls); //= void (*)(int) | calls
    sink = (void *)calls;
    static int *kept;
    kept = malloc(sizeof *kept); //= int | kept
    sink = kept;
    struct node *first = malloc(sizeof *first); //= struct node | first
    first->next = malloc(sizeof *first);        //= struct node | node.next
    first->next->next = malloc(sizeof *first);  //= struct node | node.next
    sink = first;
    sink = make(n);
    out(strings);
    sink = wrapper(10);
    return 0;
}
