// Runs one case in Chromium: `run.mjs CASE URL`. Whatever the case is about, it fails when the
// browser's console tells of an error or when the content security policy was violated.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const { chromium } = require(process.env.BROWSER_PLAYWRIGHT);
const PATIENCE = 120000; // the longest that anything is waited for; a limit, not a measurement

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Opens pages of the program and remembers what the browser complains about. */
export class Visitor {
  constructor(browser, url) {
    Object.assign(this, { browser, url, complaints: [] });
  }

  /** A new page, at `path` below `root`. */
  async open(path = "", { root = this.url, ...options } = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    page.on("pageerror", (error) => this.complaints.push(`error: ${error.message}`));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    await page.goto(root + path);
    return page;
  }

  /** The newest probe's page. It is forgotten soon, so this is asked right before. */
  async newest(target) {
    const answer = await fetch(`${this.url}api/v1/targets/${target}/probes?limit=1`);
    return `probes/${(await answer.json()).probes[0].id}`;
  }

  /** Every kind of page in turn, opened: with a probe that succeeded and one that failed. */
  async *tour(options, ...more) {
    const probes = [() => this.newest("steady"), () => this.newest("broken")];
    for (const path of ["", "targets/steady", "targets/broken", "comparisons/canary", ...probes, "runbook", ...more]) {
      const page = await this.open(typeof path === "string" ? path : await path(), options);
      yield page;
      await page.context().close();
    }
  }
}

export function check(holds, what) {
  if (!holds) throw new Error(what);
}

export function equal(found, expected, what) {
  const [a, b] = [found, expected].map((value) => JSON.stringify(value));
  check(a === b, `${what}: found ${a}, expected ${b}`);
}

/** Waits until a function of this program, not of the page, says yes. */
export async function until(what, seen) {
  const deadline = Date.now() + PATIENCE;
  while (!(await seen())) {
    check(Date.now() < deadline, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const launch = () =>
  chromium.launch({ executablePath: process.env.BROWSER_CHROMIUM, args: [...flags, ...quiet] });

async function main([file, url]) {
  const { default: run } = await import(pathToFileURL(file));
  const browser = await launch();
  const visitor = new Visitor(browser, url);
  try {
    await run(visitor);
    equal(visitor.complaints, [], "what the browser complains about");
  } finally {
    await browser.close();
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  setTimeout(() => end(new Error("the case takes for ever")), 5 * PATIENCE).unref();
  main(process.argv.slice(2)).then(() => end(), end);
}

// At once, whatever a case has left open.
function end(error) {
  if (error) console.error(error.stack);
  process.exit(error ? 1 : 0);
}
