// SPDX-License-Identifier: Apache-2.0
// The HTML report as a person meets it: opened in Chromium from a file, read, searched, filtered, moved through
// by keyboard, without a script, in the dark, on a phone and on paper.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const assay = process.env.ASSAY;
const golden = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../golden/report");
const work = mkdtempSync(join(tmpdir(), "assay-web-"));
let browser;

function compare(name, left, right) {
	const page = join(work, `${name}.html`);
	try {
		execFileSync(assay, ["compare", `--html=${page}`, left, right], { stdio: "pipe" });
	} catch (error) {
		assert.equal(error.status, 1, String(error.stderr));
	}
	return page;
}

// Two trees that differ in text, in a program's code, in an archive's times, and in which files they have.
function pair() {
	execFileSync("bash", ["-euc", `
		cd "${work}"
		mkdir -p a/doc b/doc
		seq 300 > a/doc/list.txt
		sed 's/^77$/seventy-seven/' a/doc/list.txt > b/doc/list.txt
		cp /bin/true a/tool; cp /bin/true b/tool
		printf '\\x90' | dd of=b/tool bs=1 seek=$((0x2f55)) conv=notrunc status=none
		echo x > member
		tar -cf a/times.tar --mtime=@1 --owner=0 --group=0 member
		tar -cf b/times.tar --mtime=@2 --owner=0 --group=0 member
		echo only > b/extra
	`]);
	return compare("pair", join(work, "a"), join(work, "b"));
}

async function open(path, options = {}) {
	const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
	const page = await context.newPage();
	page.problems = [];
	page.on("request", (request) => request.url().startsWith("file:") || page.problems.push(request.url()));
	page.on("pageerror", (error) => page.problems.push(String(error)));
	page.on("console", (message) => message.type() === "error" && page.problems.push(message.text()));
	await page.goto(`file://${path}`);
	return page;
}

const visible = (page) => page.locator(".divergence:visible").count();
const matching = (page) => page.locator(".divergence:not([hidden])").count();
let report;

before(async () => {
	report = pair();
	browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--no-first-run"],
	});
});

after(async () => {
	await browser?.close();
	rmSync(work, { recursive: true });
});

test("says the verdict first, names member, section and cause, and asks nobody for anything", async () => {
	const page = await open(report);
	assert.match(await page.title(), /^divergent: /);
	assert.equal((await page.locator("h1").innerText()).trim().toLowerCase(), "divergent");
	assert.match(await page.locator(".tree").innerText(), /\.text/);
	assert.match(await page.locator(".tree").innerText(), /unexplained_code_change/);
	assert.match(await page.locator(".tree .diff del").first().innerText(), /^-/);
	assert.deepEqual(page.problems, []);
});

test("finds by search, and says how many are shown", async () => {
	const page = await open(report);
	const all = await matching(page);
	await page.keyboard.press("/");
	await page.keyboard.type("seventy-seven");
	assert.equal(await visible(page), 1);
	assert.equal(await page.locator("#shown").innerText(), `1 of ${all} shown`);
	await page.keyboard.press("Escape");
	assert.equal(await matching(page), all);
});

test("filters by severity and by cause", async () => {
	const page = await open(report);
	const all = await visible(page);
	await page.getByLabel("code", { exact: true }).uncheck();
	assert.equal(await page.locator('.divergence[data-severity="code"]:visible').count(), 0);
	assert.ok(await visible(page) < all);
	await page.getByLabel("code", { exact: true }).check();
	await page.getByLabel("Cause").selectOption("file_only_on_one_side");
	assert.equal(await visible(page), 1);
	assert.match(await page.locator(".divergence:visible").innerText(), /extra/);
});

test("moves by keyboard, and folds", async () => {
	const page = await open(report);
	await page.keyboard.press("x");
	assert.equal(await visible(page), 0);
	await page.keyboard.press("j");
	assert.equal(await page.locator(".divergence.current .place").innerText(), "1");
	assert.ok(await page.evaluate(() => document.activeElement.classList.contains("current")));
	await page.keyboard.press("x");
	await page.keyboard.press("x");
	await page.keyboard.press("j");
	assert.equal(await page.locator(".divergence.current").count(), 1);
});

test("shows the bytes of the first place", async () => {
	const page = await open(report);
	const bytes = page.locator(".divergence", { hasText: "unexplained_code_change" }).locator(".bytes").first();
	await bytes.locator("summary").click();
	assert.match(await bytes.innerText(), /00002f55 {2}/);
});

test("reads without its script", async () => {
	const page = await open(report, { javaScriptEnabled: false });
	assert.ok(await page.locator(".divergence").first().isVisible());
	assert.ok(await page.locator("#tools").isHidden());
	await page.locator("details.member > summary").first().click();
	assert.ok(await page.locator(".divergence").first().isHidden());
});

test("runs no script but its own", async () => {
	const page = await open(report);
	const evil = join(work, "evil.html");
	writeFileSync(evil, readFileSync(report, "utf8").replace("</main>",
		"<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\"></main>"));
	await page.goto(`file://${evil}`);
	assert.doesNotMatch(await page.title(), /owned/);
});

test("shows hostile names as text", async () => {
	const shown = join(work, "hostile.html");
	writeFileSync(shown, readFileSync(join(golden, "hostile.html")));
	const page = await open(shown);
	assert.equal(await page.locator("img, iframe").count(), 0);
	assert.match(await page.locator("main").innerText(), /<script>alert\(1\)<\/script>/);
});

for (const [name, options] of Object.entries({
	"in the dark": { colorScheme: "dark" },
	"on a phone": { viewport: { width: 390, height: 800 } },
})) {
	test(`is legible ${name}`, async () => {
		const page = await open(report, options);
		const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		assert.ok(wide <= 0, `${wide} pixels too wide`);
		const [ink, paper] = await page.evaluate(() => {
			const light = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, c) => sum + +c, 0);
			const style = getComputedStyle(document.body);
			return [light(style.color), light(style.backgroundColor)];
		});
		assert.ok(Math.abs(ink - paper) > 400, `${ink} on ${paper}`);
		assert.equal(paper < 200, options.colorScheme === "dark");
	});
}

test("prints what matters, without the tools", async () => {
	const page = await open(report);
	await page.emulateMedia({ media: "print" });
	assert.ok(await page.locator("#tools").isHidden());
	assert.ok(await page.locator(".divergence").first().isVisible());
	assert.ok((await page.pdf()).length > 1000);
});

test("stays small, and says what it leaves out of a large one", async () => {
	assert.ok(statSync(report).size < 100_000, `${statSync(report).size} bytes`);
	execFileSync("bash", ["-euc", `
		cd "${work}" && mkdir -p many/a many/b
		for i in $(seq 1500); do echo left $i > many/a/$i; echo right $i > many/b/$i; done
	`]);
	const large = compare("many", join(work, "many/a"), join(work, "many/b"));
	const page = await open(large);
	assert.ok(statSync(large).size < 2_000_000, `${statSync(large).size} bytes`);
	assert.ok(await visible(page) <= 400);
	const shown = await visible(page);
	if (shown === 400)
		assert.match(await page.locator("main").innerText(), /more are in the JSON report only/);
});
