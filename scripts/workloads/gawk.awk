# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# gawk -v rounds=ROUNDS -f gawk.awk: a fixed workload of what awk programs do: fields, associative
# arrays, patterns, substitutions and sorting. Input is made by itself; the random numbers are ours
# (Park and Miller, 1988).

function below(limit) {
    seed = (seed * 16807) % 2147483647 # exact in a double
    return seed % limit
}

function line_of_log(number) {
    return sprintf("host%d user-%d [%d] \"GET /page/%d?id=%d HTTP/1.1\" %d %d", below(500),
        below(2000), number, below(300), below(100000), below(10) ? 200 : 404, below(50000))
}

# Counts by host, user and page, and the bytes of each status.
function read_log(lines,    i, part, path) {
    for (i = 1; i <= lines; i++) {
        $0 = line_of_log(i)
        hosts[$1]++
        users[$2, $1] += $NF
        path = $5
        sub(/\?.*/, "", path)
        if (match($0, /id=[0-9]+/))
            ids[substr($0, RSTART + 3, RLENGTH - 3)] = i
        pages[path] = pages[path] " " $2
        bytes[$(NF - 1)] += $NF
        gsub(/[0-9]/, "#")
        shapes[$0]++
        split($0, part, /[ \/?]/)
        words += length(part)
    }
}

function report(    host, key, count, order, text, i) {
    PROCINFO["sorted_in"] = "@val_num_desc"
    for (host in hosts)
        if (++count <= 10)
            text = text host "=" hosts[host] ";"
    for (key in pages)
        text = text length(pages[key]) ","
    count = asorti(users, order)
    for (i = 1; i <= count; i += 97)
        text = text toupper(order[i]) ":" users[order[i]] "\n"
    print length(text), length(ids), length(shapes), words, bytes["200"], bytes["404"]
}

BEGIN {
    seed = 42
    for (round = 1; round <= rounds; round++) {
        read_log(20000)
        report()
        delete hosts
        delete users
        delete pages
        delete ids
        delete shapes
        delete bytes
    }
}
