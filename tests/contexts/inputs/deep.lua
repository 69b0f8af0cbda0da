-- SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
--
-- Stacks up to the depth that is kept: nested pcall, callbacks of sort.
local function nest(n, f) if n == 0 then return f() end local ok, r = pcall(nest, n - 1, f) return r end
local t = {}
for d = 1, 180, 7 do t[d] = nest(d, function() return string.rep("x", d * 50) .. table.concat({d, "y"}) end) end
local function cmp(a, b) local s = tostring(a) .. "k" return a < b end
local l = {} for i = 1, 200 do l[i] = (i * 7919) % 211 end
table.sort(l, cmp)
print((string.gsub("hello world", "%w+", function(w) local s = {} for i = 1, 10 do s[i] = w .. i end table.sort(s) return table.concat(s) end)))
local co = coroutine.wrap(function() for i = 1, 20 do coroutine.yield(string.rep("z", i * 100)) end end)
for i = 1, 20 do co() end
local mt = setmetatable({}, {__index = function(t, k) return k .. "!" .. string.format("%s", k) end, __concat = function(a, b) return tostring(a) .. b end})
for i = 1, 30 do local _ = mt["k" .. i] end
print(load("return " .. ("("):rep(150) .. "1" .. (")"):rep(150))())
