// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forms of allocation in C++, as forms.c has those of C.

#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace shop {
struct Order {
    int id;
    double price;
    Order(int i = 0) : id(i), price(0) {
    }
    ~Order() {
        id = 0;
    }
};
struct Base {
    int k = 0;
    virtual ~Base() {
    }
};
struct Derived : Base {
    int x[4] = {};
};
struct Book {
    Order *first;
    Base *base;
    std::unique_ptr<Order> owned;
    char *title;
    static Order *last;
    Book()
        : first(new Order(1)), //= shop::Order | shop::Book::first
          base(new Derived),   //= shop::Derived | shop::Book::base
          owned(new Order(2)), //= shop::Order | shop::Book::owned
          title(new char[20])  //= char | shop::Book::title
    {
    }
};
Order *Book::last;
template <class T> struct Box {
    T *content;
    Box() {
        content = new T; //= shop::Order | shop::Box<shop::Order>::content
    }
};
} // namespace shop
using namespace shop;
void *volatile sink;

int main(int argc, char **) {
    int n = argc + 4;
    Order *order = new Order(3); //= shop::Order | order
    sink = order;
    Order *orders = new Order[n]; //= shop::Order | orders
    sink = orders;
    int *numbers = new int[n]; //= int | numbers
    sink = numbers;
    Base *base = new Derived; //= shop::Derived | base
    sink = base;
    Book *book = new Book; //= shop::Book | book
    sink = book;
    Book::last = new Order(9); //= shop::Order | shop::Book::last
    sink = Book::last;
    std::unique_ptr<Order> unique(new Order(4)); //= shop::Order | unique
    sink = unique.get();
    book->owned.reset(new Order(8)); //= shop::Order | shop::Book::owned
    Box<Order> box;
    sink = box.content;
    Order *maybe = new (std::nothrow) Order(3); //= shop::Order | maybe
    sink = maybe;
    Order **pointers = new Order *[n]; //= shop::Order * | pointers
    sink = pointers;
    std::string *name = new std::string("short"); //= std::string | name
    sink = name;
    std::vector<int> *vector = new std::vector<int>(); //= std::vector<int> | vector
    sink = vector;
    auto *function = new std::function<int()>(); //= std::function<int ()> | function
    sink = function;
    Order *raw = static_cast<Order *>(std::malloc(sizeof(Order) * n)); //= shop::Order | raw
    sink = raw;
    char **words = reinterpret_cast<char **>(std::calloc(n, sizeof(char *))); //= char * | words
    sink = words;
    book->title = static_cast<char *>(std::realloc(book->title, n)); //= char | shop::Book::title
    sink = new Order(7);                                             //= shop::Order | sink
    return 0;
}
