-- SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
--
-- lua lua.lua ROUNDS: a fixed workload of tables, strings, closures and coroutines. The seed is
-- ours, and no table loses a key before it is dropped, so that neither chance nor addresses decide
-- when anything grows: the same allocations on each run.

local rounds = tonumber(arg[1]) or error("usage: lua lua.lua ROUNDS")

local seed = 42
local function below(limit)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed % limit
end

local function tree(depth)
    if depth == 0 then
        return { value = below(1000) }
    end
    return { left = tree(depth - 1), right = tree(depth - 1), value = below(1000) }
end

local function sum(node)
    return node.value + (node.left and sum(node.left) + sum(node.right) or 0)
end

local function words(count)
    local list = {}
    for i = 1, count do
        list[i] = ("word-%d-%s"):format(below(5000), ("x"):rep(below(60)))
    end
    table.sort(list)
    return list
end

local function frequencies(list)
    local counts = {}
    for word in table.concat(list, " "):gmatch("%a+%-%d+") do
        counts[word] = (counts[word] or 0) + 1
    end
    local distinct = 0
    for _ in pairs(counts) do
        distinct = distinct + 1
    end
    return distinct
end

local function closures(count)
    local functions = {}
    for i = 1, count do
        local calls = 0
        functions[i] = function(x)
            calls = calls + 1
            return x + i + calls
        end
    end
    local total = 0
    for _, f in ipairs(functions) do
        total = f(total) % 1000003
    end
    return total
end

local function produced(count)
    local total = 0
    for item in coroutine.wrap(function()
        for i = 1, count do
            coroutine.yield({ i, tostring(i) })
        end
    end) do
        total = total + #item[2]
    end
    return total
end

local check = 0
for _ = 1, rounds do
    check = check + sum(tree(11)) + frequencies(words(1500)) + closures(3000) + produced(1500)
    check = check + #("line of text\n"):rep(2000):gsub("text", "words"):upper()
end
print(check)
