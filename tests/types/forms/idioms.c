// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Idioms of C programs, as forms.c has the plain forms.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define NEW(T) ((T *)malloc(sizeof(T)))
#define NEW_N(T, n) ((T *)calloc((n), sizeof(T)))
#define GROW(array, n) ((array) = realloc((array), (n) * sizeof *(array)))
#define ALLOCATE(p) ((p) = malloc(sizeof *(p)))

typedef struct vec {
    double x, y, z;
} vec, *vec_ptr;
typedef vec point;
typedef point vertex;
typedef struct message {
    uint16_t length;
    uint16_t kind : 4;
    uint16_t flags : 12;
    char text[];
} message;
struct flags {
    unsigned a : 3, b : 5;
    unsigned char *mask;
};
typedef union value {
    int64_t number;
    double real;
    struct {
        char *text;
        size_t length;
    } string;
} value;
struct list {
    struct list *next, *previous;
    void *data;
};
struct matrix {
    size_t rows;
    double **cells;
    float grid[4][4];
    struct {
        vec *points;
        struct {
            int *indexes;
        } mesh;
    };
};
struct outer {
    struct inner {
        long *numbers;
    } inner[3];
    int (*callback)(void *);
};
struct buffer {
    char *data;
    size_t length, capacity;
};
struct header {
    size_t bytes;
    int kind;
};
static struct list *volatile top;
static vec *volatile shapes[8];
static struct matrix world;
static char *names[4];
static int32_t *volatile counters;
static _Thread_local struct buffer *volatile scratch;
void *volatile sink;

static struct buffer *one(void) {
    return malloc(sizeof(struct buffer)); //= struct buffer | ?
}
static struct buffer *two(void) {
    return one();
}
static void make(vec **out) {
    *out = malloc(sizeof **out); //= struct vec | *out
}
static void fill(struct matrix *m, size_t n) {
    m->cells = malloc(n * sizeof *m->cells); //= double * | matrix.cells
    for (size_t i = 0; i < n; i++)
        m->cells[i] = calloc(n, sizeof **m->cells); //= double | matrix.cells[]
    m->points = malloc(sizeof(vec[5]));             //= ? | matrix.points
    m->mesh.indexes = malloc(3 * sizeof(int));      //= int | matrix.mesh.indexes
    sink = m->cells[0];
    sink = m->points;
    sink = m->mesh.indexes;
}
static void append(struct buffer *b, char c) {
    if (b->length == b->capacity) {
        b->capacity = b->capacity ? 2 * b->capacity : 8;
        b->data = realloc(b->data, b->capacity); //= char | buffer.data
    }
    b->data[b->length++] = c;
}
static int lines(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char *line = NULL;
    size_t capacity = 0;
    int count = 0;
    while (file && getline(&line, &capacity, file) > 0) //= char | line
        count++;
    sink = line;
    if (file)
        fclose(file);
    return count;
}

int main(int argc, char **argv) {
    size_t n = (size_t)argc + 2;
    vec *by_macro = NEW(vec); //= struct vec | by_macro
    sink = by_macro;
    vertex *vertices = NEW_N(vertex, n); //= struct vec | vertices
    sink = vertices;
    vec_ptr by_alias = malloc(sizeof *by_alias); //= struct vec | by_alias
    sink = by_alias;
    int *grown = NULL;
    GROW(grown, n); //= int | grown
    GROW(grown, 2 * n); //= int | grown
    sink = grown;
    struct flags *bits;
    ALLOCATE(bits); //= struct flags | bits
    bits->mask = malloc(n); //= unsigned char | flags.mask
    sink = bits;
    message *note = malloc(sizeof *note + n); //= struct message | note
    sink = note;
    message *fixed = malloc(sizeof(message) + 100); //= struct message | fixed
    sink = fixed;
    value *number = calloc(1, sizeof *number); //= union value | number
    sink = number;
    number->string.text = malloc(n); //= char | value.string.text
    struct list *link = malloc(sizeof(struct list)); //= struct list | link
    link->next = malloc(sizeof(struct list)); //= struct list | list.next
    link->data = malloc(24); //= ? | list.data
    top = link;
    shapes[n % 8] = malloc(sizeof(vec)); //= struct vec | shapes[]
    counters = malloc(n << 2); //= int32_t | counters
    int16_t(*table)[8] = malloc(n * sizeof *table); //= int16_t[8] | table
    sink = table;
    float(*square)[4][4] = malloc(sizeof *square); //= float[4][4] | square
    sink = square;
    names[n % 4] = strdup(argv[0]); //= char | names[]
    names[1] = strndup(argv[0], 3); //= char | names[]
    sink = names[n % 4];
    char *shown;
    if (asprintf(&shown, "%d arguments", argc) > 0) //= char | shown
        sink = shown;
    wchar_t *wide = malloc(n * sizeof(wchar_t)); //= wchar_t | wide
    sink = wide;
    void **slots = calloc(n, sizeof(void *)); //= void * | slots
    sink = slots;
    slots[1] = malloc(n); //= ? | slots[]
    const struct list *constant = malloc(sizeof *constant); //= struct list | constant
    sink = (void *)constant;
    uintptr_t address = (uintptr_t)malloc(n); //= ? | ?
    sink = (void *)address;
    double *chosen = argc > 5 ? NULL : malloc(n * sizeof(double)); //= double | chosen
    sink = chosen;
    char *either = (argc > 5) ? argv[0] : malloc(n); //= char | either
    sink = either;
    long *after_comma = (n++, malloc(n * sizeof(long))); //= long | after_comma
    sink = after_comma;
    short *assigned, *chained;
    assigned = chained = malloc(n * sizeof(short)); //= short | chained
    sink = assigned;
    if (!(sink = malloc(9))) //= ? | sink
        return 1;
    struct outer *out = calloc(1, sizeof(struct outer)); //= struct outer | out
    out->inner[1].numbers = malloc(n * sizeof(long)); //= long | inner.numbers
    sink = out;
    struct buffer copy = {malloc(40), 0, 40}; //= char | buffer.data
    sink = copy.data;
    struct buffer named = {.data = malloc(n)}; //= char | buffer.data
    sink = named.data;
    for (int i = 0; i < 20; i++)
        append(&named, 'x');
    fill(&world, 3);
    static unsigned *once;
    if (!once)
        once = malloc(n * sizeof *once); //= unsigned int | once
    sink = once;
    scratch = malloc(sizeof(struct buffer)); //= struct buffer | scratch
    struct header *head = malloc(sizeof(struct header) + n); //= struct header | head
    sink = head + 1;
    struct header *odd = malloc(20); //= ? | odd
    sink = odd;
    struct list *tenfold = calloc(10, sizeof(struct matrix)); //= ? | tenfold
    sink = tenfold;
    struct list *cleared = malloc(sizeof *cleared); //= struct list | cleared
    memset(cleared, 0, sizeof *cleared);
    sink = cleared;
    vec *pairs = reallocarray(NULL, n, sizeof *pairs); //= struct vec | pairs
    sink = pairs;
    vec *new_block = realloc(NULL, sizeof(vec)); //= struct vec | new_block
    sink = new_block;
    vec *aligned = aligned_alloc(32, sizeof(vec) + 8); //= ? | aligned
    sink = aligned;
    int (**handlers)(void *) = malloc(n * sizeof *handlers); //= int (*)(void *) | handlers
    sink = (void *)handlers;
    _Bool *seen = calloc(n, sizeof(_Bool)); //= _Bool | seen
    sink = seen;
    long double *exact = malloc(sizeof(long double)); //= long double | exact
    sink = exact;
    vec *made;
    make(&made);
    sink = made;
    sink = two();
    return lines() < 0;
}
