// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forms of allocation in C++, as forms.c has those of C.

#include "shapes.h"

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace shop {
inline namespace v2 {
struct Order {
    int id;
    explicit Order(int i = 0) : id(i) {
    }
};
} // namespace v2
struct Base {
    virtual ~Base() = default;
};
struct Derived : Base {
    long more[4] = {};
};
class Book {
  public:
    struct Page {
        int number = 0;
    };
    Book()
        : first(new Order(1)),           //= shop::Order | shop::Book::first
          owned(new Derived),            //= shop::Derived | shop::Book::owned
          title(static_cast<char *>(std::malloc(20))) //= char | shop::Book::title
    {
        last = new Page; //= shop::Book::Page | shop::Book::last
        this->pages = new Page[3]; //= shop::Book::Page | shop::Book::pages
    }
    static Order *newest;
    Order *first;
    std::unique_ptr<Base> owned;
    char *title;
    Page *last, *pages;
    Order *early = new Order(7); //= shop::Order | shop::Book::early
};
Order *Book::newest = new Order(3); //= shop::Order | shop::Book::newest
template <class T> struct Box {
    T *content;
};
template <class T> T *make() {
    return new T; //= ? | ?
}
enum class Kind { One };
} // namespace shop
using shop::Order;
void *volatile sink;

static shop::Base *as_base() {
    return new shop::Derived; //= shop::Derived | ?
}
static void take(std::unique_ptr<Order> order) {
    sink = order.release();
}

int main(int argc, char **) {
    int n = argc + 4;
    Order *order = new Order(3); //= shop::Order | order
    sink = order;
    auto *automatic = new shop::v2::Order(4); //= shop::Order | automatic
    sink = automatic;
    Order *orders = new Order[n]; //= shop::Order | orders
    sink = orders;
    shop::Base *base = new shop::Derived; //= shop::Derived | base
    sink = base;
    auto *box = new shop::Box<std::pair<int, Order>>; //= shop::Box<std::pair<int, shop::Order>> | box
    sink = box;
    auto *strings = new std::vector<std::string>; //= std::vector<std::string> | strings
    sink = strings;
    auto *map = new std::map<std::string, const Order *>; //= std::map<std::string, shop::Order *> | map
    sink = map;
    auto *kinds = new shop::Kind[n]; //= shop::Kind | kinds
    sink = kinds;
    Order **pointers = new Order *[n]; //= shop::Order * | pointers
    sink = pointers;
    pointers[1] = new Order; //= shop::Order | pointers[]
    Order *quiet = new (std::nothrow) Order(3); //= shop::Order | quiet
    sink = quiet;
    shop::Book::newest = new Order(5); //= shop::Order | shop::Book::newest
    shop::Book *book = new shop::Book; //= shop::Book | book
    sink = book;
    std::unique_ptr<Order> unique(new Order(4)); //= shop::Order | unique
    sink = unique.get();
    std::unique_ptr<Order> braced{new Order(4)}; //= shop::Order | braced
    sink = braced.get();
    unique.reset(new Order(8)); //= shop::Order | unique
    take(std::unique_ptr<Order>(new Order(8))); //= shop::Order | ?
    Order *raw = static_cast<Order *>(std::malloc(sizeof(Order) * n)); //= shop::Order | raw
    sink = raw;
    char **words = reinterpret_cast<char **>(std::calloc(n, sizeof(char *))); //= char * | words
    sink = words;
    Order *braces{new Order(1)}; //= shop::Order | braces
    sink = braces;
    Order *by_macro = NEW(Order); //= shop::Order | by_macro
    sink = by_macro;
    auto lambda = [&](int count) {
        int *inside = new int[count]; //= int | inside
        sink = inside;
        return new Order(count); //= shop::Order | ?
    };
    sink = lambda(n);
    const auto &reference = *new Order(6); //= shop::Order | ?
    sink = const_cast<Order *>(&reference);
    sink = ::operator new(sizeof(Order)); //= shop::Order | sink
    sink = new int(4); //= int | sink
    sink = new long long[2][3]; //= long long | sink
    struct Local {
        Order *held = new Order; //= shop::Order | Local::held
    } local;
    sink = local.held;
    sink = shop::make<Order>();
    sink = as_base();
    struct shape *shape = static_cast<struct shape *>(std::malloc(sizeof(struct shape))); //= shape | shape
    sink = shape;
    return 0;
}
