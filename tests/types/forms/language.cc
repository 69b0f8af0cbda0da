// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forms of the C++ language, as forms.cc has the plain ones.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>
#include <utility>

void *volatile sink;

namespace geo {
struct Point {
    double x = 0, y = 0;
};
struct Shape {
    virtual ~Shape() {
    }
    int id = 0;
};
struct Circle : Shape {
    double radius = 1;
};
struct Left : virtual Shape {
    int left = 0;
};
struct Right : virtual Shape {
    int right = 0;
};
struct Both : Left, Right {
    int both[6] = {};
};
struct alignas(64) Line {
    char bytes[64] = {};
};
// Its objects come from its own operator new.
struct Pooled {
    long value[3] = {};
    static void *operator new(std::size_t bytes) {
        return std::malloc(bytes);
    }
    static void operator delete(void *block) {
        std::free(block);
    }
};
enum class Colour : std::uint8_t { Red };
template <class T, int N> struct Ring {
    T *slots[N] = {};
    void put(int at) {
        slots[at % N] = new T(); //= geo::Point | geo::Ring<geo::Point, 4>::slots[]
    }
};
template <class T> T *made() {
    return new T(); //= geo::Circle | ?
}
class Scene {
    Point *origin = new Point; //= geo::Point | geo::Scene::origin
    Shape *shapes[3] = {};
    struct Cache {
        float *values = nullptr;
    } cache;

public:
    static inline Scene *current = nullptr;
    void add(int at) {
        shapes[at] = new Circle;           //= geo::Circle | geo::Scene::shapes[]
        cache.values = new float[at + 20]; //= float | geo::Scene::Cache::values
    }
    Point *first() {
        return origin;
    }
};
} // namespace geo
using namespace geo;

namespace {
struct Hidden {
    int a[5] = {};
};
} // namespace

struct Task {
    struct promise_type {
        Task get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        std::suspend_always final_suspend() noexcept {
            return {};
        }
        void return_void() {
        }
        void unhandled_exception() {
        }
    };
    std::coroutine_handle<promise_type> handle;
};
__attribute__((noinline)) Task wait(int *out) { //= coroutine frame of wait | ?
    *out += 1;
    co_await std::suspend_always();
    *out += 1;
}
__attribute__((noinline)) static void fail(int n) {
    if (n > 100)
        throw std::runtime_error("never");
    throw Point{1, 2}; //= geo::Point | ?
}
__attribute__((noinline)) static void give(Shape *shape) {
    sink = shape;
}
__attribute__((noinline)) static void out(Point *&where, Point **there) {
    where = new Point;  //= geo::Point | where
    *there = new Point; //= geo::Point | *there
}

int main(int argc, char **) {
    int n = argc + 4;
    Both *both = new Both; //= geo::Both | both
    sink = both;
    Left *left = new Both(); //= geo::Both | left
    sink = left;
    Line *line = new Line; //= geo::Line | line
    sink = line;
    Line *lines = new Line[n]; //= geo::Line | lines
    sink = lines;
    Line *maybe = new (std::nothrow) Line; //= geo::Line | maybe
    sink = maybe;
    Pooled *pooled = new Pooled; //= geo::Pooled | pooled
    sink = pooled;
    alignas(Point) static unsigned char place[sizeof(Point)];
    Point *placed = new (place) Point;
    sink = placed;
    Point *in_block = new (std::malloc(sizeof(Point))) Point; //= geo::Point | in_block
    sink = in_block;
    void *raw = ::operator new(48); //= ? | raw
    sink = raw;
    Point *cast = static_cast<Point *>(::operator new(sizeof(Point))); //= geo::Point | cast
    sink = cast;
    Colour *colours = new Colour[n]; //= geo::Colour | colours
    sink = colours;
    int(*rows)[4] = new int[n][4]; //= int | rows
    sink = rows;
    Point **pointers = new Point *[n](); //= geo::Point * | pointers
    sink = pointers;
    pointers[1] = new Point{3, 4}; //= geo::Point | pointers[]
    const Point *constant = new const Point{}; //= geo::Point | constant
    sink = const_cast<Point *>(constant);
    auto automatic = new Point(); //= geo::Point | automatic
    sink = automatic;
    Hidden *hidden = new Hidden; //= Hidden | hidden
    sink = hidden;
    struct Local {
        long v[7];
    };
    Local *local = new Local; //= Local | local
    sink = local;
    auto closure = [n, argc] { return n * argc; };
    auto *kept = new decltype(closure)(closure);
    sink = kept;
    Ring<Point, 4> ring;
    ring.put(n);
    sink = ring.slots[n % 4];
    sink = made<Circle>();
    Scene *scene = new Scene; //= geo::Scene | scene
    sink = scene;
    scene->add(1);
    sink = scene->first();
    Scene::current = new Scene; //= geo::Scene | geo::Scene::current
    sink = Scene::current;
    give(new Circle); //= geo::Circle | ?
    Shape *shape = argc > 9 ? new Shape : nullptr;
    shape = n ? new Circle : shape; //= geo::Circle | shape
    sink = shape;
    std::unique_ptr<Shape> unique(new Circle); //= geo::Circle | unique
    sink = unique.get();
    std::unique_ptr<int[]> array(new int[n]); //= int | array
    sink = array.get();
    std::shared_ptr<Point> shared;
    shared.reset(new Point); //= geo::Point | shared | std::shared_ptr<geo::Point> also std::_Sp_counted_ptr<geo::Point *, (__gnu_cxx::_Lock_policy)2>
    sink = shared.get();
    Point *by_lambda = [] { return new Point; }(); //= geo::Point | ?
    sink = by_lambda;
    Point *one, *two;
    out(one, &two);
    sink = one;
    sink = two;
    char16_t *wide = new char16_t[n]; //= char16_t | wide
    sink = wide;
    std::byte *bytes = new std::byte[n]; //= std::byte | bytes
    sink = bytes;
    void (**calls)(int) = new (void (*[3])(int)); //= void (*)(int) | calls
    sink = reinterpret_cast<void *>(calls);
    int count = 0;
    Task task = wait(&count);
    task.handle.resume();
    try {
        fail(n);
    } catch (const Point &) {
    }
    return 0;
}
