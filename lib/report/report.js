// The page reads well without this; with it one can search, filter and move by keyboard.
"use strict";
(function () {
	const tools = document.getElementById("tools");
	if (!tools)
		return;
	const search = document.getElementById("search");
	const cause = document.getElementById("cause");
	const severities = Array.from(tools.querySelectorAll("input[type=checkbox]"));
	const shown = document.getElementById("shown");
	const all = Array.from(document.querySelectorAll(".divergence"));
	const members = Array.from(document.querySelectorAll("details.member")).reverse();
	let current = -1;

	function words(element) {
		let text = "";
		for (let at = element; at; at = at.parentElement && at.parentElement.closest("details.member"))
			text += " " + (at === element ? at.textContent : at.querySelector("summary").textContent);
		return text.toLowerCase();
	}
	const texts = all.map(words);

	function filter() {
		const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
		const off = new Set(severities.filter((box) => !box.checked).map((box) => box.value));
		let count = 0;
		all.forEach((divergence, i) => {
			const hit = !off.has(divergence.dataset.severity) &&
				(!cause.value || divergence.dataset.cause === cause.value) &&
				wanted.every((word) => texts[i].includes(word));
			divergence.hidden = !hit;
			count += hit;
		});
		const narrowed = wanted.length > 0 || cause.value !== "";
		members.forEach((member) => {
			member.hidden = !member.querySelector(".divergence:not([hidden])");
			if (narrowed && !member.hidden)
				member.open = true;
		});
		shown.textContent = count + " of " + all.length + " shown";
	}

	function move(step) {
		const visible = all.filter((divergence) => !divergence.hidden);
		if (!visible.length)
			return;
		const at = visible.indexOf(all[current]);
		const next = visible[Math.min(Math.max(at + step, 0), visible.length - 1)];
		for (let up = next.closest("details.member"); up; up = up.parentElement.closest("details.member"))
			up.open = true;
		if (all[current])
			all[current].classList.remove("current");
		current = all.indexOf(next);
		next.classList.add("current");
		next.scrollIntoView({ block: "nearest" });
		next.focus({ preventScroll: true });
	}

	function fold(open) {
		members.forEach((member) => { member.open = open; });
	}

	function key(event) {
		const typing = event.target.matches("input[type=search], select, textarea");
		if (event.ctrlKey || event.metaKey || event.altKey)
			return;
		if (event.key === "Escape" && typing) {
			search.value = "";
			event.target.blur();
			filter();
		} else if (typing) {
			return;
		} else if (event.key === "/") {
			search.focus();
		} else if (event.key === "j" || event.key === "k") {
			move(event.key === "j" ? 1 : -1);
		} else if (event.key === "x") {
			fold(!members.some((member) => member.open));
		} else {
			return;
		}
		event.preventDefault();
	}

	for (const name of Array.from(new Set(all.map((divergence) => divergence.dataset.cause))).sort())
		cause.add(new Option(name, name));
	document.getElementById("fold").addEventListener("click", () => fold(false));
	document.getElementById("unfold").addEventListener("click", () => fold(true));
	tools.addEventListener("input", filter);
	tools.addEventListener("submit", (event) => event.preventDefault());
	document.addEventListener("keydown", key);
	tools.hidden = false;
	filter();
})();
