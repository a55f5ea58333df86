"use strict";
// Sorts, filters and unrolls the page's tables. A table's rows stand in its body or, where there are many, in a JSON block.
const AT_ONCE = 500;

function asNumber(text) {
  return Number.parseFloat(text.replace("\u2212", "-"));
}

function compare(a, b, numeric, sign) {
  if (!numeric) return sign * a.localeCompare(b, "en", { numeric: true });
  const x = asNumber(a), y = asNumber(b);
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
  return sign * (x - y);
}

function buildRow(texts, heads) {
  const row = document.createElement("tr");
  texts.forEach((text, i) => {
    const cell = row.insertCell(), [name, code] = text.split("\t");
    cell.className = heads[i].className;
    cell.append(name);
    if (code) {
      const small = document.createElement("small");
      small.textContent = code;
      cell.append(" ", small);
    }
  });
  return row;
}

function readRecords(box, body, heads) {
  const store = box.querySelector("script[type='application/json']");
  if (!store) return [...body.rows].map((row) => ({ row, texts: [...row.cells].map((cell) => cell.textContent) }));
  return JSON.parse(store.textContent).map((texts) => ({ texts, get row() {
    const row = buildRow(texts, heads);
    Object.defineProperty(this, "row", { value: row });
    return row;
  } }));
}

function enhance(box) {
  const table = box.querySelector("table"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  let records = readRecords(box, body, heads);
  const lazy = Boolean(box.querySelector("script")), total = records.length;
  const tools = box.querySelector(".tools"), more = box.querySelector(".more");
  const search = tools?.querySelector("input"), choices = [];
  let limit = lazy ? AT_ONCE : Infinity;

  function matches(texts) {
    const words = (search?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean), line = texts.join(" ").toLowerCase();
    return words.every((word) => line.includes(word)) && choices.every((pick) => !pick.value || texts[pick.column] === pick.value);
  }

  function show() {
    const found = records.filter((record) => matches(record.texts));
    body.replaceChildren(...found.slice(0, limit).map((record) => record.row));
    if (!tools) return;
    const shown = Math.min(limit, found.length), some = shown < found.length ? `${shown} shown of ` : "";
    tools.querySelector("output").textContent = `${some}${found.length} of ${total} rows`;
    more.hidden = shown === found.length;
  }

  function sortBy(column) {
    const head = heads[column], numeric = head.classList.contains("number");
    const now = head.getAttribute("aria-sort");
    const ascending = now ? now === "descending" : head.dataset.first === "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    records = [...records].sort((a, b) => compare(a.texts[column], b.texts[column], numeric, ascending ? 1 : -1));
    show();
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(column));
    head.append(button);
    if (tools && "choice" in head.dataset) choices.push(addChoice(tools, button.textContent, column, records, show));
  });
  search?.addEventListener("input", show);
  more?.addEventListener("click", () => { limit = Infinity; show(); });
  if (tools) tools.hidden = false;
  if (tools || lazy) show();
}

function addChoice(tools, title, column, records, show) {
  const label = document.createElement("label"), select = document.createElement("select");
  const values = [...new Set(records.map((record) => record.texts[column]))];
  select.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
  select.addEventListener("change", show);
  label.append(`${title} `, select);
  tools.insertBefore(label, tools.querySelector("output"));
  return { column, get value() { return select.value; } };
}

document.querySelectorAll("[data-sortable]").forEach(enhance);
