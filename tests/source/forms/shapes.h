// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A header of the program's own, with macros and a function that allocate.

#ifndef SHAPES_H
#define SHAPES_H

#include <stdlib.h>

struct shape {
    int corners;
    double *sides;
};

#define NEW(T) ((T *)malloc(sizeof(T)))
#define NEW_ZEROED(T) calloc(1, sizeof(T))
#define ARRAY(T, count) ((T *)malloc((count) * sizeof(T)))
#define GET(bytes) malloc(bytes)
#define ALLOCATE(p) ((p) = malloc(sizeof *(p)))
#define CHECKED(bytes)                                                                             \
    ({                                                                                             \
        void *checked = malloc(bytes);                                                             \
        if (!checked)                                                                              \
            abort();                                                                               \
        checked;                                                                                   \
    })

static inline struct shape *shape_new(int corners) {
    struct shape *shape = (struct shape *)malloc(sizeof *shape); //= struct shape | shape
    shape->sides = (double *)malloc((size_t)corners * sizeof(double)); //= double | shape.sides
    shape->corners = corners;
    return shape;
}

#endif
