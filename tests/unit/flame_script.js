// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flame_script.js FILE.svg: runs the script of a flame graph on as much of a document as it asks
// for, as a user would: clicks, keys, the answer to its question. Prints "ok".
"use strict";
const fs = require("fs");
const assert = require("assert");

const text = fs.readFileSync(process.argv[2], "utf8");
const unescape = (words) => words.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"')
    .replace(/&amp;/g, "&");

// One element: what it was written with, its classes, who listens.
function element(attributes, content) {
    const node = { attributes, textContent: content, classes: new Set(), listeners: {}, children: {} };
    node.classList = {
        toggle(name, on) { if (on) node.classes.add(name); else node.classes.delete(name); }
    };
    node.setAttribute = (name, value) => { node.attributes[name] = String(value); };
    node.addEventListener = (name, call) => { node.listeners[name] = call; };
    node.querySelector = (name) => node.children[name];
    node.dataset = {};
    for (const [name, value] of Object.entries(attributes))
        if (name.startsWith("data-")) node.dataset[name.slice(5)] = value;
    return node;
}

function attributesOf(words) {
    const found = {};
    for (const [, name, value] of words.matchAll(/([\w-]+)="([^"]*)"/g)) found[name] = unescape(value);
    return found;
}

const body = text.slice(text.indexOf('<g id="frames">'));
const frames = [...body.matchAll(
    /<g (data-[^>]*)><title>([^<]*)<\/title><rect ([^>]*)\/><text ([^>]*)>([^<]*)<\/text><\/g>/g)]
    .map(([, own, title, rect, label, words]) => {
        const node = element(attributesOf(own), "");
        node.children.title = element({}, unescape(title));
        node.children.rect = element(attributesOf(rect), "");
        node.children.text = element(attributesOf(label), unescape(words));
        return node;
    });
const named = {};
for (const [, id] of text.matchAll(/ id="([a-z-]+)"/g)) named[id] = element({}, "");
const svg = element(attributesOf(text.match(/<svg ([^>]*)>/)[1]), "");
svg.querySelector = (name) => named[name.slice(1)];
svg.querySelectorAll = () => frames;
const window = element({}, "");
const script = text.match(/<script>(?:<!\[CDATA\[)?([\s\S]*?)(?:\]\]>)?<\/script>/)[1];
new Function("document", "window", script)({ currentScript: null, documentElement: svg }, window);

const find = (words) => frames.filter((frame) => frame.children.title.textContent.startsWith(words));
const shown = (frame) => !frame.classes.has("off");
const place = (frame) => [Number(frame.children.rect.attributes.x),
    Number(frame.children.rect.attributes.width)];
const near = (frame, x, width) => place(frame).forEach((value, i) =>
    assert(Math.abs(value - [x, width][i]) < 0.01, frame.children.title.textContent + ": " + place(frame)));
const press = (key) => window.listeners.keydown({ key, preventDefault() {} });

assert(frames.length > 10 && frames[0].dataset.v === "9000");
const before = frames.map(place);

// A click: the frame is as wide as all, what it calls keeps its share, what is beside it goes.
const [serve] = find("serve()\n/src/serve.cc:12"), [parse] = find("parse()"), [main] = find("main()\n");
assert(serve && parse && main);
assert(Math.abs(place(serve)[1] - 1200 * 4000 / 9000) < 0.01);
main.listeners.click();
near(main, 0, 1200);
near(serve, place(serve)[0], 1200 * 4000 / Number(main.dataset.v));
assert(!find("spawned by main()").some(shown) && !named.reset.classes.has("off"));
serve.listeners.click();
near(serve, 0, 1200);
near(parse, 0, 1200);
near(main, 0, 1200);
assert(main.classes.has("above") && !serve.classes.has("above") && !shown(find("fopen()")[0]));
assert.strictEqual(serve.children.text.textContent, "serve()");

// A question, and its answer.
window.prompt = () => "serve\\(|parse\\(";
press("/");
assert.strictEqual(named.found.textContent, "matched: 4,500 B, 50.0% in 3 frames");
assert.deepStrictEqual(frames.filter((frame) => frame.classes.has("hit")).length, 3);
window.prompt = () => "(";
named.search.listeners.click();
assert(/regular expression/i.test(named.found.textContent), named.found.textContent);
window.prompt = () => null; // no answer
press("/");

serve.listeners.mouseover();
assert.strictEqual(named.details.textContent,
    "4,000 B, 44.4% \u00b7 serve() \u00b7 /src/serve.cc:12 \u00b7 /opt/app/bin/app");
serve.listeners.mouseout();
assert.strictEqual(named.details.textContent, "");

// All is as it was.
press("Escape");
assert(frames.every(shown) && frames.every((frame) => !frame.classes.has("hit")));
frames.forEach((frame, i) => near(frame, before[i][0], before[i][1]));
assert(named.reset.classes.has("off") && named.found.textContent === "");
console.log("ok");
