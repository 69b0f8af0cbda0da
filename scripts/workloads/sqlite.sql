-- SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
--
-- A fixed workload for the SQLite shell, in memory: the same statements, so the same allocations, on
-- each run. The table `size` (scripts/workload makes it) says how many people there are.

.mode list
PRAGMA temp_store = memory;

CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, score INTEGER);
CREATE TABLE visit(person INTEGER, place TEXT, seconds INTEGER);

BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT people FROM size))
INSERT INTO person
SELECT i, printf('person-%06d', (i * 7919) % people), printf('city-%d', (i * 31) % 97),
       (i * 104729) % 1000
FROM n, size;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT people * 10 / 3 FROM size))
INSERT INTO visit
SELECT (i * 65537) % people + 1, printf('place-%d', (i * 17) % 211), (i * 2654435) % 3600
FROM n, size;
COMMIT;

CREATE INDEX person_city ON person(city, score);
CREATE INDEX visit_person ON visit(person);

SELECT count(*), sum(score) FROM person;

SELECT city, count(*), round(avg(score), 2) FROM person GROUP BY city ORDER BY 3 DESC LIMIT 5;

SELECT p.city, v.place, sum(v.seconds) AS total
FROM person p JOIN visit v ON v.person = p.id
WHERE p.score > 500
GROUP BY p.city, v.place
ORDER BY total DESC, 1, 2
LIMIT 5;

-- Strings that grow and are joined: many allocations of many sizes.
SELECT length(group_concat(name || ':' || city, ', ')) FROM person;
SELECT city, length(group_concat(upper(replace(name, 'person', 'citizen')), ';'))
FROM person GROUP BY city ORDER BY 2 DESC, 1 LIMIT 3;

-- JSON is built and taken apart.
SELECT sum(length(json_object('id', id, 'name', name, 'tags', json_array(city, score)))) FROM person;
SELECT count(*), sum(json_extract(json_object('id', id, 'in', json_array(score, city)), '$.in[0]'))
FROM person;

-- A sorter that holds everything.
SELECT name FROM (SELECT name, row_number() OVER (PARTITION BY city ORDER BY name) AS r FROM person)
WHERE r = 1 ORDER BY name LIMIT 3;

-- A full-text index.
CREATE VIRTUAL TABLE note USING fts5(body);
BEGIN;
INSERT INTO note SELECT name || ' lives in ' || city || ' and scored ' || score FROM person;
COMMIT;
SELECT count(*) FROM note WHERE note MATCH 'city AND 500';
SELECT count(*) FROM note WHERE note MATCH '"lives in"';

UPDATE person SET name = name || '-' || city WHERE id % 3 = 0;
DELETE FROM visit WHERE seconds < 600;
SELECT count(*), sum(seconds) FROM visit;
