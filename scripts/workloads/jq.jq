# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A fixed workload for jq over the file that scripts/workload writes: grouping, sorting, strings,
# paths and updates. Without regular expressions: jq is built without their library.

{
    count: length,
    cities: (group_by(.city)
        | map({city: .[0].city, people: length, mean: (map(.score) | add / length | floor)})
        | sort_by(-.mean, .city) | .[:3]),
    names: (map(.name | ascii_upcase | split("-") | join("_")) | sort | .[:3]),
    tags: (map(.tags[]) | group_by(.) | map({key: .[0], value: length}) | from_entries),
    deep: (map(.address.geo |= map(. * 2 | floor)) | map(.address.geo | add) | add),
    length: (map(tojson) | map(length) | add),
    entries: (map(to_entries | map(select(.value | type == "number")) | length) | add),
    leaves: ([.[] | paths(scalars)] | length)
}
