/* A filter as the builder holds it: a tree of groups and conditions, made of its JSON and written
   back. Knows nothing of the page. */
(() => {
  "use strict";

  const FIELD = "$field";
  const VALUE = "$value";
  let made = 0;

  const isGroup = (node) => Array.isArray(node.parts);
  const isObject = (one) => typeof one === "object" && one !== null && !Array.isArray(one);

  function withId(node) {
    made += 1;
    return { ...node, id: String(made) };
  }

  const group = (join, parts = []) => withId({ join, parts });
  const blank = () => withId({ field: null, way: null, value: undefined });

  /* Conditions are known by their keys: {keys → [field and way]}. */
  function indexed(catalogue) {
    const known = new Map();
    for (const field of catalogue.fields) {
      for (const way of catalogue.ways[field.ways]) {
        const keys = Object.keys(way.template).sort().join();
        if (!known.has(keys)) known.set(keys, []);
        known.get(keys).push({ field, way });
      }
    }
    return known;
  }

  const isMoved = (value) => isObject(value) && Object.keys(value).join() === "days_from_today";

  function isOne(values, value) {
    if (values === "moving_day" && isMoved(value)) return true;
    if (values === "number") return typeof value === "number";
    if (values === "yes_no") return typeof value === "boolean";
    if (values === "choice") return ["string", "number"].includes(typeof value);
    return typeof value === "string";
  }

  /* Whether a value has the shape that a way takes, so that the row can show it. */
  function fits(way, value) {
    if (way.takes === "nothing") return value === undefined;
    if (way.takes === "days") return Number.isInteger(value);
    if (way.takes === "one") return isOne(way.values, value);
    if (!Array.isArray(value)) return false;
    if (way.takes === "two" && value.length !== 2) return false;
    return value.every((one) => isOne(way.values, one));
  }

  function valueIn(template, condition, name) {
    let value;
    for (const [key, wanted] of Object.entries(template)) {
      if (wanted === VALUE) value = condition[key];
      else if (wanted !== condition[key] && !(wanted === FIELD && condition[key] === name)) return null;
    }
    return { value };
  }

  /* What takes a list may be written as one value: tools, and what a property ever was. */
  function read(json, known) {
    if (isObject(json)) {
      for (const join of ["and", "or"]) {
        if (Array.isArray(json[join])) return group(join, json[join].map((part) => read(part, known)));
      }
      for (const { field, way } of known.get(Object.keys(json).sort().join()) ?? []) {
        const found = valueIn(way.template, json, field.name);
        if (!found) continue;
        let { value } = found;
        if (way.takes === "several" && isOne(way.values, value) && !way.template.operator) value = [value];
        if (fits(way, value)) return withId({ field, way, value });
      }
    }
    return withId({ raw: JSON.stringify(json) });
  }

  function readRoot(json, known) {
    const { version, ...filter } = json;
    const found = read(filter, known);
    return isGroup(found) ? found : group("and", [found]);
  }

  function isFinished(node) {
    if ("raw" in node) return rawOf(node) !== undefined;
    if (!node.way) return false;
    const { takes } = node.way;
    if (takes === "several") return fits(node.way, node.value) && node.value.length > 0;
    if (takes === "one") return fits(node.way, node.value) && node.value !== "";
    if (takes === "two") return fits(node.way, node.value) && !node.value.includes("");
    return fits(node.way, node.value);
  }

  function rawOf(node) {
    try {
      const json = JSON.parse(node.raw);
      return isObject(json) ? json : undefined;
    } catch {
      return undefined;
    }
  }

  function condition(node) {
    if ("raw" in node) return rawOf(node);
    const filled = (wanted) => {
      if (wanted === FIELD) return node.field.name;
      return wanted === VALUE ? node.value : wanted;
    };
    const entries = Object.entries(node.way.template);
    return Object.fromEntries(entries.map(([key, wanted]) => [key, filled(wanted)]));
  }

  /* The JSON without what is unfinished, null where nothing is left. `places` is told which node
     stands where. */
  function write(node, places, path = "") {
    if (!isGroup(node)) {
      if (!isFinished(node)) return null;
      places.set(path, node.id);
      return condition(node);
    }
    const inside = path ? `${path}.${node.join}` : node.join;
    const parts = [];
    for (const part of node.parts) {
      const one = write(part, places, `${inside}[${parts.length}]`);
      if (one !== null) parts.push(one);
    }
    if (parts.length === 0 && node.parts.length > 0) return path ? null : { and: [] };
    return { [node.join]: parts };
  }

  function* conditions(node) {
    if (!isGroup(node)) yield node;
    else for (const part of node.parts) yield* conditions(part);
  }

  /* Where a node stands: {parent, place}. */
  function placeOf(root, id) {
    for (const [place, part] of root.parts.entries()) {
      if (part.id === id) return { parent: root, place, node: part };
      const deeper = isGroup(part) ? placeOf(part, id) : null;
      if (deeper) return deeper;
    }
    return null;
  }

  /* A group that has lost all it held goes, too; an empty filter is everybody. */
  function tidy(root) {
    const clean = (node) => {
      node.parts = node.parts.filter((part) => {
        if (!isGroup(part) || part.parts.length === 0) return true;
        clean(part);
        return part.parts.length > 0;
      });
    };
    clean(root);
    if (root.parts.length === 0) root.join = "and";
  }

  function remove(root, id) {
    const { parent, place } = placeOf(root, id);
    parent.parts.splice(place, 1);
    if (parent !== root && parent.parts.length === 0) remove(root, parent.id);
    else tidy(root);
  }

  function copied(node) {
    if (!isGroup(node)) return withId({ ...node, value: structuredClone(node.value) });
    return group(node.join, node.parts.map(copied));
  }

  function duplicate(root, id) {
    const { parent, place, node } = placeOf(root, id);
    const other = copied(node);
    parent.parts.splice(place + 1, 0, other);
    return other.id;
  }

  const otherJoin = (join) => (join === "and" ? "or" : "and");

  function wrap(root, id) {
    const { parent, place, node } = placeOf(root, id);
    parent.parts[place] = group(otherJoin(parent.join), [node]);
    return parent.parts[place].id;
  }

  function unwrap(root, id) {
    const { parent, place, node } = placeOf(root, id);
    parent.parts.splice(place, 1, ...node.parts);
  }

  /* Put a node beside another; never into itself. Tells whether it moved. */
  function moveBeside(root, id, otherId, isAfter) {
    const from = placeOf(root, id);
    const isInside = isGroup(from.node) && placeOf(from.node, otherId) !== null;
    if (id === otherId || isInside) return false;
    from.parent.parts.splice(from.place, 1);
    const to = placeOf(root, otherId);
    to.parent.parts.splice(to.place + (isAfter ? 1 : 0), 0, from.node);
    if (from.parent !== root && from.parent.parts.length === 0) remove(root, from.parent.id);
    return true;
  }

  /* One step up or down: past a condition, into a group, out of one at its edge. */
  function step(root, id, way) {
    const { parent, place, node } = placeOf(root, id);
    const beside = parent.parts[place + way];
    if (beside && isGroup(beside) && !isGroup(node)) {
      parent.parts.splice(place, 1);
      if (way < 0) beside.parts.push(node);
      else beside.parts.unshift(node);
    } else if (beside) {
      parent.parts.splice(place, 1);
      parent.parts.splice(place + way, 0, node);
    } else if (parent !== root) {
      return moveBeside(root, id, parent.id, way > 0);
    } else return false;
    if (parent !== root && parent.parts.length === 0) remove(root, parent.id);
    return true;
  }

  /* Another group: beside the groups there are, or beside all there is, made a group. */
  function addGroup(root) {
    const added = group("and", [blank()]);
    if (root.join === "or" || root.parts.length === 0) {
      root.join = "or";
      root.parts.push(added);
    } else {
      root.parts = [group("and", root.parts), added];
      root.join = "or";
    }
    return added.parts[0].id;
  }

  window.filterTree = {
    addGroup, blank, conditions, duplicate, fits, group, indexed, isFinished, isGroup, isMoved,
    moveBeside, otherJoin, placeOf, readRoot, remove, step, tidy, unwrap, wrap, write,
  };
})();
