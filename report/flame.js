// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The script inside a flame graph: a click zooms, search colours what matches and tells its share.
// Frames stand in the order from the root downwards; data-o is where a frame begins and data-v how
// much it holds, both in bytes (or calls), so that no place is rounded twice.
(function () {
    "use strict";
    var script = document.currentScript;
    var svg = (script && script.ownerSVGElement) || document.documentElement;
    var one = function (name) { return svg.querySelector("#" + name); };
    var width = Number(svg.dataset.width), unit = svg.dataset.unit;
    var whole = Number(svg.dataset.whole);
    var frames = Array.prototype.map.call(svg.querySelectorAll("#frames > g"), function (node) {
        return {
            node: node, rect: node.querySelector("rect"), text: node.querySelector("text"),
            begin: Number(node.dataset.o), value: Number(node.dataset.v),
            depth: Number(node.dataset.d), words: node.querySelector("title").textContent
        };
    });

    function show(node, isShown) { node.classList.toggle("off", !isShown); }

    function amount(value) {
        return value.toLocaleString("en-US") + unit + ", " +
            (whole ? (100 * value / whole).toFixed(1) : "0.0") + "%";
    }

    function label(frame, pixels) {
        var name = frame.words.split("\n")[0], room = Math.floor((pixels - 4) / 7.3);
        return room < 3 ? "" : name.length <= room ? name : name.slice(0, room - 2) + "..";
    }

    function zoom(to) {
        if (to.value === 0) return;
        var end = to.begin + to.value, scale = width / to.value;
        frames.forEach(function (frame) {
            var begin = Math.max(frame.begin, to.begin);
            var rest = Math.min(frame.begin + frame.value, end) - begin;
            show(frame.node, rest > 0);
            frame.node.classList.toggle("above", rest > 0 && frame.depth < to.depth);
            if (rest <= 0) return;
            frame.rect.setAttribute("x", (begin - to.begin) * scale);
            frame.rect.setAttribute("width", rest * scale);
            frame.text.setAttribute("x", (begin - to.begin) * scale + 3);
            frame.text.textContent = label(frame, rest * scale);
        });
        show(one("reset"), to !== frames[0]);
    }

    // What matches below a match is part of it.
    function search(words) {
        var pattern = null, sum = 0, covered = 0, count = 0;
        try {
            pattern = words ? new RegExp(words) : null;
        } catch (error) {
            one("found").textContent = String(error.message || error);
            return;
        }
        frames.forEach(function (frame) {
            var hit = pattern !== null && frame.depth > 0 && pattern.test(frame.words);
            frame.node.classList.toggle("hit", hit);
            if (!hit) return;
            count++;
            if (frame.begin >= covered) {
                sum += frame.value;
                covered = frame.begin + frame.value;
            }
        });
        one("found").textContent = pattern ? "matched: " + amount(sum) + " in " + count + " frames" : "";
    }

    function ask() {
        var words = window.prompt("Search functions, files and modules (regular expression):", "");
        if (words !== null) search(words);
    }

    frames.forEach(function (frame) {
        frame.node.addEventListener("click", function () { zoom(frame); });
        frame.node.addEventListener("mouseover", function () {
            // How much it is first: the line's end may not fit.
            var words = frame.words.split("\n");
            one("details").textContent = [words.pop()].concat(words).join(" \u00b7 ");
        });
        frame.node.addEventListener("mouseout", function () { one("details").textContent = ""; });
    });
    one("reset").addEventListener("click", function () { zoom(frames[0]); });
    one("search").addEventListener("click", ask);
    window.addEventListener("keydown", function (event) {
        if (event.key === "/" || (event.key === "f" && (event.ctrlKey || event.metaKey))) {
            event.preventDefault();
            ask();
        } else if (event.key === "Escape") {
            search("");
            zoom(frames[0]);
        }
    });
    show(one("search"), true);
    // For pages around it, and for tests.
    svg.memscope = { zoom: function (index) { zoom(frames[index]); }, search: search };
})();
