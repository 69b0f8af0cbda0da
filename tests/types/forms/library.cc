// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the library allocates beside its plain containers: `//= TYPE | VARIABLE | CONTAINER`, then
// `also TYPE` where one call makes blocks of two types. Of a closure's type the place is part.

#include <any>
#include <array>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <set>
#include <sstream>
#include <stack>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

void *volatile sink;

namespace shop {
struct Order {
    long id = 0, price = 0;
    char name[40] = {};
};
struct Job { // too large for what a std::function has inside
    long data[8] = {};
    void operator()() const {
        sink = nullptr;
    }
};
struct Throwaway {
    void operator()(Order *order) const {
        delete order;
    }
};
} // namespace shop
using namespace shop;

template <class T> static void keep(const T &what) {
    sink = const_cast<T *>(&what);
}

int main(int argc, char **) {
    int n = argc + 2;
    // Memory resources: what the library's own ask for is theirs.
    std::pmr::vector<Order> pooled(n); //= ? | ? | std::vector<shop::Order, std::pmr::polymorphic_allocator<shop::Order>>
    keep(pooled);
    std::pmr::monotonic_buffer_resource arena(1000);
    std::pmr::vector<int> inside(&arena);
    inside.resize(50);
    keep(inside);
    // Functions and threads.
    std::function<void()> function = Job(); //= shop::Job | ? | std::function<void ()>
    keep(function);
    std::vector<std::function<void()>> functions;
    functions.reserve(2); //= std::function<void ()> | ? | std::vector<std::function<void ()>>
    functions.push_back(Job()); //= shop::Job | ? | std::function<void ()>
    keep(functions);
    std::thread thread(Job{}); //= std::thread::_State_impl<std::thread::_Invoker<std::tuple<shop::Job>>> | ? | ?
    thread.join();
    // What holds anything.
    std::any any = Order(); //= shop::Order | ? | ?
    keep(any);
    any = std::string("text"); //= std::string | ? | ?
    any = Job(); //= shop::Job | ? | ?
    // Control blocks.
    std::shared_ptr<Order> counted(new Order); //= shop::Order | counted | std::shared_ptr<shop::Order> also std::_Sp_counted_ptr<shop::Order *, (__gnu_cxx::_Lock_policy)2>
    keep(counted);
    std::shared_ptr<Order> deleted(new Order, Throwaway()); //= shop::Order | deleted | std::shared_ptr<shop::Order> also std::_Sp_counted_deleter<shop::Order *, shop::Throwaway, std::allocator<void>, (__gnu_cxx::_Lock_policy)2>
    keep(deleted);
    auto together = std::make_shared<Order>(); //= shop::Order | ? | std::shared_ptr<shop::Order>
    keep(together);
    auto shared_array = std::make_shared<Order[]>(n); //= shop::Order | ? | std::shared_ptr<shop::Order []>
    keep(shared_array);
    // Nodes.
    std::list<Order> list;
    list.emplace_back(); //= shop::Order | ? | std::list<shop::Order>
    std::deque<Order> deque; //= shop::Order | ? | std::deque<shop::Order> also shop::Order *
    deque.emplace_back();
    std::stack<int> stack; //= int | ? | std::deque<int> also int *
    stack.push(n);
    std::unordered_map<long, Order> hashed;
    hashed[n] = Order(); //= std::pair<const long, shop::Order> | ? | std::unordered_map<long, shop::Order> also std::__detail::_Hash_node_base *
    std::map<std::string, std::vector<int>> lists;
    std::vector<int> &found = lists["key"]; //= std::pair<const std::string, std::vector<int>> | ? | std::map<std::string, std::vector<int>>
    found.push_back(n); //= int | ? | std::vector<int>
    std::set<std::string> words;
    words.insert("word"); //= std::string | ? | std::set<std::string>
    keep(list), keep(deque), keep(stack), keep(hashed), keep(words);
    // Strings that grow.
    std::string text;
    for (int i = 0; i < 100 * n; i++)
        text += 'x'; //= char | ? | std::string
    keep(text);
    std::string reserved;
    reserved.reserve(static_cast<size_t>(n) * 500); //= char | ? | std::string
    keep(reserved);
    std::wstring wide(static_cast<size_t>(n) * 50, L'x'); //= wchar_t | ? | std::basic_string<wchar_t>
    keep(wide);
    // What is shared by two threads.
    std::promise<Order> promise; //= std::__future_base::_Result<shop::Order> | ? also std::__future_base::_State_baseV2
    promise.set_value(Order());
    keep(promise);
    std::vector<std::array<int, 4>> arrays;
    arrays.reserve(n); //= std::array<int, 4UL> | ? | std::vector<std::array<int, 4ul>>
    keep(arrays);
    std::vector<std::vector<Order>> nested;
    nested.resize(2); //= std::vector<shop::Order> | ? | std::vector<std::vector<shop::Order>>
    nested[0].resize(3); //= shop::Order | ? | std::vector<shop::Order>
    keep(nested);
    return 0;
}
