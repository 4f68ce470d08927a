// Keeps a page up to date and makes its filter instant. Both fetch the page itself and put what
// changed in place of what is there, so that the server alone decides what a page says.
"use strict";

const PAUSE = 2000; // between two updates, however much happens
const IDLE = 30000; // without news: how long ago things were changes all the same
const RETRY = 5000; // after the server refused to tell news

const { events, target } = document.body.dataset;
const connection = document.querySelector("[data-connection]");
const form = document.querySelector("form[data-instant]");
let source, timer, request, missed;
let latest = Date.now();

document.documentElement.classList.add("script");

// Rows are told apart by their key. One that did not change stays as it is, with its focus.
function updateRows(old, fresh) {
  const before = new Map([...old.children].map((row) => [row.dataset.key, row]));
  [...fresh.children].forEach((row, place) => {
    const known = before.get(row.dataset.key);
    before.delete(row.dataset.key);
    if (known && known.dataset.version === row.dataset.version && known.isEqualNode(row)) {
      move(old, known, place);
      return;
    }
    const same = known && known.dataset.version === row.dataset.version;
    row = document.adoptNode(row);
    const focus = known && position(known);
    if (known) known.replaceWith(row);
    move(old, row, place);
    if (focus >= 0) focusable(row)[focus]?.focus();
    if (!same && row.dataset.key) row.classList.add("new");
  });
  before.forEach((row) => row.remove());
}

function move(parent, row, place) {
  if (parent.children[place] === row) return;
  const focus = position(row);
  parent.insertBefore(row, parent.children[place] ?? null);
  if (focus >= 0) focusable(row)[focus].focus();
}

const focusable = (element) => [...element.querySelectorAll("a, button, [tabindex]")];
const position = (element) => focusable(element).indexOf(document.activeElement);

function updateBlock(old, fresh) {
  if (old.innerHTML === fresh.innerHTML) return;
  const focus = position(old);
  old.replaceChildren(...fresh.childNodes);
  if (focus >= 0) focusable(old)[focus]?.focus();
}

async function update() {
  clearTimeout(timer);
  request?.abort();
  const mine = (request = new AbortController());
  latest = Date.now();
  missed = false;
  // A connection that hangs must not end all updates.
  const patience = setTimeout(() => mine.abort(), IDLE);
  try {
    const response = await fetch(location.href, { signal: mine.signal });
    const text = await response.text();
    if (!mine.signal.aborted) {
      if (response.ok) show(text);
      tell(response.ok);
    }
  } catch {
    // The next news or the next half minute tries again.
  }
  clearTimeout(patience);
  if (request !== mine) return;
  request = undefined;
  if (events && !document.hidden) plan(missed ? PAUSE : IDLE);
}

function show(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
    if (!now) continue;
    if ("rows" in old.dataset) updateRows(old, now);
    else updateBlock(old, now);
  }
}

function plan(delay) {
  clearTimeout(timer);
  timer = setTimeout(update, delay);
}

function soon() {
  // An answer that is under way may have been written before.
  if (request) missed = true;
  else plan(Math.max(0, latest + PAUSE - Date.now()));
}

function news({ data }) {
  if (target === undefined || JSON.parse(data).target === target) soon();
}

// A page that is refused, as when its target is gone from the configuration, must not look alive.
function tell(ok) {
  if (!ok) say("Out of date: this page is no longer there");
  else if (source?.readyState === EventSource.OPEN) say("Live");
}

function say(word) {
  if (connection.textContent !== word) connection.textContent = word;
}

function listen() {
  source = new EventSource(events);
  source.onopen = () => {
    say("Live");
    soon(); // what happened while nobody listened
  };
  source.onerror = () => {
    say("Reconnecting …");
    // A broken connection is taken up again by the browser, a refusal is not.
    if (source.readyState === EventSource.CLOSED) setTimeout(start, RETRY);
  };
  source.addEventListener("probe", news);
  source.addEventListener("lagged", soon);
}

function start() {
  if (document.hidden || (source && source.readyState !== EventSource.CLOSED)) return;
  listen();
  plan(IDLE); // also where nothing can be heard
}

function stop() {
  source?.close();
  clearTimeout(timer);
  say("Paused");
}

if (events) {
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  // A page that goes back into the browser's memory must not keep a connection.
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  start();
}

if (form) {
  let typing;
  const filter = () => {
    const given = [...new FormData(form)].filter(([, value]) => value !== "");
    history.replaceState(null, "", `?${new URLSearchParams(given)}`);
    update();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    filter();
  });
  form.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(filter, 120);
  });
}
