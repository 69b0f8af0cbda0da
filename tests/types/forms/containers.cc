// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the library allocates: `//= TYPE | VARIABLE | CONTAINER`, then `also TYPE` where one call
// makes blocks of two types.

#include <any>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

void *volatile sink;

namespace shop {
struct Order {
    int id = 0;
    double price = 0;
    bool operator<(const Order &other) const {
        return id < other.id;
    }
    bool operator==(const Order &other) const {
        return id == other.id;
    }
};
struct Book {
    std::vector<Order> orders;
    std::map<int, Order> by_id;
};
template <class T> struct Plain {
    using value_type = T;
    Plain() = default;
    template <class U> Plain(const Plain<U> &) {
    }
    T *allocate(std::size_t count) {
        return static_cast<T *>(::operator new(count * sizeof(T)));
    }
    void deallocate(T *block, std::size_t) {
        ::operator delete(block);
    }
    bool operator==(const Plain &) const {
        return true;
    }
    bool operator!=(const Plain &) const {
        return false;
    }
};
struct Big {
    long a[8] = {};
};
} // namespace shop
namespace std {
template <> struct hash<shop::Order> {
    size_t operator()(const shop::Order &order) const {
        return static_cast<size_t>(order.id);
    }
};
} // namespace std
using namespace shop;

__attribute__((noinline)) static void grow(std::vector<Order> &orders) {
    orders.push_back(Order()); //= shop::Order | ? | std::vector<shop::Order>
}

int main(int argc, char **) {
    int n = argc + 3;
    std::vector<int> numbers(n); //= int | ? | std::vector<int>
    sink = numbers.data();
    std::vector<Order> empty;
    grow(empty);
    sink = empty.data();
    std::vector<Order> orders;
    orders.reserve(n); //= shop::Order | ? | std::vector<shop::Order>
    sink = orders.data();
    orders.resize(100); //= shop::Order | ? | std::vector<shop::Order>
    std::vector<Order> copy(orders); //= shop::Order | ? | std::vector<shop::Order>
    sink = copy.data();
    orders.insert(orders.end(), 200, Order()); //= shop::Order | ? | std::vector<shop::Order>
    std::vector<Order *> pointers{orders.data()}; //= shop::Order * | ? | std::vector<shop::Order *>
    sink = pointers.data();
    std::vector<std::vector<int>> rows(n); //= std::vector<int> | ? | std::vector<std::vector<int>>
    rows[1].resize(9); //= int | ? | std::vector<int>
    sink = rows.data();
    std::vector<bool> bits(n * 100); //= unsigned long | ? | std::vector<bool>
    bits[3] = true;
    std::vector<Order, Plain<Order>> plain(n); //= shop::Order | ? | std::vector<shop::Order, shop::Plain<shop::Order>>
    sink = plain.data();
    Book book;
    book.orders.emplace_back(); //= shop::Order | ? | std::vector<shop::Order>
    book.by_id[3] = Order(); //= std::pair<const int, shop::Order> | ? | std::map<int, shop::Order>
    std::map<int, Order> map;
    map.insert({4, Order()}); //= std::pair<const int, shop::Order> | ? | std::map<int, shop::Order>
    map.emplace(5, Order()); //= std::pair<const int, shop::Order> | ? | std::map<int, shop::Order>
    std::multimap<int, long> multimap;
    multimap.insert({1, 2}); //= std::pair<const int, long> | ? | std::multimap<int, long>
    std::set<Order> set;
    set.insert(Order()); //= shop::Order | ? | std::set<shop::Order>
    std::multiset<long> multiset;
    multiset.insert(n); //= long | ? | std::multiset<long>
    std::list<Order> list;
    list.push_back(Order()); //= shop::Order | ? | std::list<shop::Order>
    std::forward_list<int> forward;
    forward.push_front(n); //= int | ? | std::forward_list<int>
    std::deque<Order> deque; //= shop::Order | ? | std::deque<shop::Order> also shop::Order *
    deque.push_back(Order());
    std::queue<int> queue; //= int | ? | std::deque<int> also int *
    queue.push(n);
    std::unordered_map<int, Order> hashed;
    hashed[7] = Order(); //= std::pair<const int, shop::Order> | ? | std::unordered_map<int, shop::Order> also std::__detail::_Hash_node_base *
    std::unordered_set<Order> unordered;
    unordered.insert(Order()); //= shop::Order | ? | std::unordered_set<shop::Order> also std::__detail::_Hash_node_base *
    std::string text(static_cast<size_t>(n) * 20, 'x'); //= char | ? | std::string
    sink = text.data();
    text += "a text that does not fit into what the string has by now, whatever that may be, or so"; //= char | ? | std::string
    std::string other = text + "y"; //= char | ? | std::string
    sink = other.data();
    std::vector<std::string> words(3); //= std::string | ? | std::vector<std::string>
    sink = words.data();
    std::u32string wide(static_cast<size_t>(n) * 20, U'x'); //= char32_t | ? | std::basic_string<char32_t>
    sink = wide.data();
    Big big;
    std::function<long()> function = [big] { return big.a[1]; };
    sink = &function;
    std::any any = Big(); //= shop::Big | ? | ?
    sink = &any;
    std::optional<std::vector<int>> maybe(std::in_place, n); //= int | ? | std::vector<int>
    sink = maybe->data();
    std::variant<int, std::vector<long>> either(std::in_place_index<1>, n); //= long | ? | std::vector<long>
    sink = std::get<1>(either).data();
    auto shared = std::make_shared<Order>(); //= shop::Order | ? | std::shared_ptr<shop::Order>
    sink = shared.get();
    auto unique = std::make_unique<Order>(); //= shop::Order | ? | ?
    sink = unique.get();
    auto array = std::make_unique<int[]>(n); //= int | ? | ?
    sink = array.get();
    auto allocated = std::allocate_shared<Order>(Plain<Order>()); //= shop::Order | ? | std::shared_ptr<shop::Order>
    sink = allocated.get();
    std::pmr::vector<int> pooled(n, std::pmr::new_delete_resource());
    sink = pooled.data();
    std::vector<std::thread> threads;
    threads.reserve(1); //= std::thread | ? | std::vector<std::thread>
    threads.emplace_back([] { sink = nullptr; });
    threads[0].join();
    std::vector<std::pair<int, Order>> together(n); //= std::pair<int, shop::Order> | ? | std::vector<std::pair<int, shop::Order>>
    sink = together.data();
    std::vector<std::unique_ptr<Order>> owners;
    owners.push_back(std::make_unique<Order>()); //= shop::Order | ? | std::vector<std::unique_ptr<shop::Order>> also std::unique_ptr<shop::Order>
    std::allocator<Order> allocator;
    Order *by_allocator = allocator.allocate(n); //= shop::Order | ? | ?
    sink = by_allocator;
    return 0;
}
