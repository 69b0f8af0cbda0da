// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of functions as demanglers write them.

#include "claims.h"

#include <profile/profile.h>
#include <string.h>

START_TEST(template_arguments_fold) {
    static const char *const cases[][2] = {
        {"main", "main"},
        {"void push<int>(std::vector<int>&)", "void push<…>(std::vector<…>&)"},
        {"a<b<c>, d>::e<f>::g()", "a<…>::e<…>::g()"},
        {"std::function<void (std::vector<int>)>::operator()(std::vector<int>) const",
         "std::function<…>::operator()(std::vector<…>) const"},
        {"operator<<<int>(int)", "operator<<<…>(int)"},
        {"operator<<int>(int)", "operator<<…>(int)"},
        {"operator< <int>(int)", "operator< <…>(int)"},
        {"operator<(X, Y)", "operator<(X, Y)"},
        {"p<int>::operator->() const", "p<…>::operator->() const"},
        {"decltype(x->y) f<int>()", "decltype(x->y) f<…>()"},
        {"enable<(1 > 2), (3 < 4)>::f()", "enable<…>::f()"},
        {"f<int>()::'lambda'(auto)::operator()<g<int>>(g<int>) const",
         "f<…>()::'lambda'(auto)::operator()<…>(g<…>) const"},
        {"<alloc::vec::Vec<T> as a::Clone>::clone", "<alloc::vec::Vec<…> as a::Clone>::clone"},
        {"map::<T>::push", "map::<…>::push"},
        {"f<", "f<…"},
        {"f>g>(h)]})", "f>g>(h)]})"},
        {"", ""},
    };
    char folded[MS_FOLDED_BYTES(1024)], nested[1024];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = cases[i][0];
        size_t length = ms_fold_template_arguments(name, name + strlen(name), folded);
        ck_assert_str_eq(folded, cases[i][1]);
        ck_assert_uint_eq(length, strlen(folded));
    }
    // Deeper than any name: what is written has an end.
    memset(nested, '(', sizeof nested);
    size_t length = ms_fold_template_arguments(nested, nested + sizeof nested, folded);
    ck_assert_uint_lt(length, sizeof nested);
    for (size_t i = 0; i < sizeof nested; i += 2)
        memcpy(nested + i, "a<", 2);
    length = ms_fold_template_arguments(nested, nested + sizeof nested, folded);
    ck_assert_uint_lt(length, sizeof folded);
}
END_TEST

static const struct claim claims[] = {CLAIM(template_arguments_fold)};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
