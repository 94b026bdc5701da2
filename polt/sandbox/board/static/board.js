// What the board's pages do beyond links and forms, which work without it.
"use strict";
(() => {
	const $ = (selector, root = document) => root.querySelector(selector);
	const all = (selector, root = document) => [...root.querySelectorAll(selector)];
	const root = document.documentElement;
	root.classList.add("scripted");

	/* Times: said anew each half minute. */
	const span = (s) => s < 3600 ? `${Math.floor(s / 60)} min` : s < 48 * 3600 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
	const tell = () => {
		for (const t of all("time[datetime]")) {
			const age = (Date.now() - Date.parse(t.dateTime)) / 1000;
			if (t.className === "ago") {
				if (age < 30 * 86400) t.textContent = age < 60 ? "just now" : `${span(age)} ago`;
			} else {
				t.className = age > 0 ? "overdue" : age > -48 * 3600 ? "soon" : "due";
				t.textContent = age > 0 ? `overdue by ${span(age)}` : `due in ${span(-age)}`;
			}
		}
	};
	setInterval(tell, 30000);

	/* Light and dark, without loading the page again. */
	$("#theme")?.addEventListener("submit", (e) => {
		e.preventDefault();
		const theme = e.submitter.value;
		root.dataset.theme = theme;
		document.cookie = `polt-theme=${theme}; path=/; max-age=31536000; samesite=strict`;
		$(theme === "dark" ? ".to-light" : ".to-dark").focus();
	});

	/* Commands to copy. */
	const prepare = (within) => { for (const b of all("[data-copy]", within)) b.hidden = !navigator.clipboard; };
	document.addEventListener("click", async (e) => {
		const button = e.target.closest("[data-copy]");
		if (!button) return;
		try {
			await navigator.clipboard.writeText(button.previousElementSibling.textContent);
		} catch {
			say("The browser does not allow copying: select the command instead.", "bad");
			return;
		}
		button.classList.add("done");
		say("Copied.");
		setTimeout(() => button.classList.remove("done"), 2000);
	});
	prepare(document);

	/* What is said at the bottom. */
	const toasts = $("#toasts");
	const say = (text, kind = "", ms = 4000) => {
		const p = document.createElement("p");
		p.className = `toast ${kind}`;
		const span = document.createElement("span");
		span.textContent = text;
		p.append(span);
		toasts.append(p);
		if (ms) setTimeout(() => p.remove(), ms);
		return p;
	};
	for (const p of all(".toast", toasts)) setTimeout(() => p.remove(), 4000);

	/* Bringing the page up to date. A part of it with data-live is replaced by
	   the same part of the page as the server makes it now. In a list, only the
	   items that differ are. */
	const signature = (node) => node.outerHTML.replace(/(<time[^>]*>)[^<]*/g, "$1").replace(/ class="(fresh|[^"]* fresh)"/g, (m) => m.replace(/ ?fresh/, "").replace(' class=""', ""));
	const mark = (node) => {
		node.classList.remove("fresh");
		void node.offsetWidth; // so that the animation begins again
		node.classList.add("fresh");
		setTimeout(() => node.classList.remove("fresh"), 2000);
	};
	const items = (list) => [...list.children].filter((c) => c.dataset.key);
	const held = new Map(); // lists whose items wait until the reader has left
	let insistent = false; // what waits is asked for
	const busy = (list) => !insistent && (list.matches(":hover") || list.contains(document.activeElement) || list.querySelector("details[open].sure"));

	const patchList = (list, fresh, quiet) => {
		const before = new Map(items(list).map((c) => [c.dataset.key, c]));
		const after = items(fresh);
		const order = (nodes) => nodes.map((c) => c.dataset.key).join("\n");
		const moves = order(items(list)) !== order(after);
		if (moves && !quiet && busy(list)) {
			const count = after.filter((c) => !before.has(c.dataset.key)).length + [...before.keys()].filter((k) => !after.some((c) => c.dataset.key === k)).length;
			hold(list, fresh, Math.max(count, 1));
			return;
		}
		release(list);
		const keep = new Set(after.map((c) => c.dataset.key));
		for (const [key, node] of before) if (!keep.has(key)) node.remove();
		let at = list.firstElementChild;
		for (const node of after) {
			const old = before.get(node.dataset.key);
			let now = old;
			if (!old) {
				now = node;
				if (!quiet) mark(now);
			} else if (signature(old) !== signature(node)) {
				if (old.querySelector("[data-key]") && old.className === node.className) { // a list of lists
					for (const inner of all("ol", node)) patchList($("ol", old), inner, quiet);
				} else {
					if (at === old) at = node;
					const focused = old.contains(document.activeElement);
					old.replaceWith(node);
					now = node;
					if (focused) $("a, button", node)?.focus();
					if (!quiet) mark(now);
				}
			}
			if (at === now) at = now.nextElementSibling;
			else list.insertBefore(now, at);
		}
		const more = $(":scope > .more", fresh), had = $(":scope > .more", list);
		had?.remove();
		if (more) { list.append(more); watchMore(more); }
	};
	const hold = (list, fresh, count) => {
		let h = held.get(list);
		if (!h) {
			h = { button: document.createElement("button"), leave: () => setTimeout(() => { if (held.has(list) && !busy(list)) apply(list); }, 0) };
			h.button.type = "button";
			h.button.className = "held";
			h.button.addEventListener("click", () => apply(list));
			(list.closest(".col") ?? list.parentElement).append(h.button);
			list.addEventListener("pointerleave", h.leave);
			list.addEventListener("focusout", h.leave);
			held.set(list, h);
		}
		h.fresh = fresh;
		h.button.textContent = count === 1 ? "1 change" : `${count} changes`;
	};
	const apply = (list) => {
		const { fresh } = held.get(list);
		insistent = true;
		patchList(list, fresh, false);
		insistent = false;
	};
	const release = (list) => {
		const h = held.get(list);
		if (!h) return;
		h.button.remove();
		list.removeEventListener("pointerleave", h.leave);
		list.removeEventListener("focusout", h.leave);
		held.delete(list);
	};

	const patch = (page, quiet) => {
		for (const now of all("[data-live]")) {
			const fresh = $(`[data-live="${now.dataset.live}"]`, page);
			if (!fresh) return false; // the page has another shape by now
			if (now.hasAttribute("data-list")) {
				if (now.dataset.status && items(now).length > most) continue;
				patchList(now, fresh, quiet);
			} else if (signature(now) !== signature(fresh)) {
				if (now.contains(document.activeElement) && now.querySelector("input, textarea, details[open]")) continue;
				now.replaceChildren(...fresh.childNodes);
				prepare(now);
				if (!quiet) mark(now);
			}
		}
		return all("[data-live]", page).length === all("[data-live]").length;
	};
	const most = 200; // cards of a column, as the server has it
	const load = async (url) => {
		const answer = await fetch(url, { headers: { "X-Board-Refresh": "1", Accept: "text/html" } });
		if (!answer.ok) throw new Error(answer.statusText);
		return new DOMParser().parseFromString(await answer.text(), "text/html");
	};
	// shown is the page's address, with as many cards as there are in it.
	const shown = () => {
		const url = new URL(location.href);
		for (const list of all("[data-status]")) {
			const n = items(list).length;
			if (n > 20) url.searchParams.set(`shown.${list.dataset.status}`, Math.min(n, most));
		}
		return url;
	};
	const replace = (page) => {
		$("main").replaceChildren(...$("main", page).childNodes);
		document.body.className = page.body.className;
		document.title = page.title;
		held.clear();
		start();
	};

	/* The stream of changes. */
	let refreshing = false, again = false;
	const refresh = async () => {
		if (refreshing) { again = true; return; }
		refreshing = true;
		try {
			do {
				again = false;
				await new Promise((done) => setTimeout(done, 120)); // for what comes at once
				const address = location.href;
				const page = await load(shown());
				if (address !== location.href) { again = true; continue; }
				if (!patch(page, false) && !$("main textarea:focus, main input:focus")) replace(page);
				decorate();
			} while (again);
		} catch { /* the stream tells when there is a server again */ } finally { refreshing = false; }
	};
	const live = $("#live");
	let source = null;
	const listen = () => {
		if (source || document.hidden) return;
		source = new EventSource(`/events?after=${seq}`);
		source.onopen = () => { live.hidden = false; live.classList.remove("off"); live.title = "This page updates by itself"; };
		source.onerror = () => { live.classList.add("off"); live.title = "The sandbox does not answer; this page tries again"; };
		source.addEventListener("change", (e) => { seq = Number(e.lastEventId); refresh(); });
	};
	let seq = Number(document.body.dataset.seq);
	// A browser has few connections to one host: a page that nobody sees leaves
	// its own to others.
	document.addEventListener("visibilitychange", () => {
		if (!document.hidden) { listen(); return; }
		source?.close();
		source = null;
	});
	addEventListener("pagehide", () => { source?.close(); source = null; });
	addEventListener("pageshow", (e) => { if (e.persisted) listen(); });

	/* Columns that load as they are scrolled. */
	const seen = new IntersectionObserver((entries) => {
		for (const e of entries) if (e.isIntersecting) grow(e.target);
	}, { rootMargin: "400px" });
	const watchMore = (more) => seen.observe(more);
	const grow = async (more) => {
		seen.unobserve(more);
		try {
			const answer = await fetch(more.dataset.more);
			if (!answer.ok) return;
			const page = new DOMParser().parseFromString(`<ol>${await answer.text()}</ol>`, "text/html");
			if (!more.isConnected) return;
			const have = new Set(items(more.parentElement).map((c) => c.dataset.key));
			more.replaceWith(...[...$("ol", page).children].filter((c) => !have.has(c.dataset.key)));
			for (const next of all(".more", page).concat(all(".more"))) watchMore(next);
		} catch { /* its link is still there */ }
	};

	/* Filters: as they are chosen, in the address. */
	const wireFilters = () => {
		const form = $("#filters");
		if (!form) return;
		let timer;
		const go = async () => {
			const query = new URLSearchParams([...new FormData(form)].filter(([, v]) => v));
			const address = `/board${query.size ? `?${query}` : ""}`;
			history.replaceState(null, "", address);
			const field = document.activeElement?.name, at = document.activeElement?.selectionStart;
			const page = await load(address);
			if (location.pathname + location.search !== address) return;
			const typed = form.q.value;
			replace(page);
			const again = field && $(`#filters [name="${field}"]`);
			if (again) {
				again.focus();
				if (field === "q") { again.value = typed; again.setSelectionRange(at, at); }
			}
			const total = all(".col .n").reduce((n, c) => n + Number(c.textContent.replaceAll(",", "")), 0);
			say(total === 1 ? "1 task" : `${total} tasks`, "sr", 1500);
		};
		form.addEventListener("submit", (e) => { e.preventDefault(); clearTimeout(timer); go(); });
		form.addEventListener("change", (e) => { if (e.target.name !== "q") { clearTimeout(timer); go(); } });
		form.q.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(go, 250); });
	};

	/* Review: by keyboard, and with five seconds to take a decision back. */
	const grace = 5000;
	const decided = new Map(); // by submission
	const names = { approve: "Approved", reject: "Rejected", revise: "Revision requested" };
	const queue = () => all("#queue > li");
	const chosen = () => $("#queue > li.chosen");
	let opening = "";
	const open = async (li, push = true) => {
		if (!li) return;
		const address = $("a", li).getAttribute("href");
		opening = address;
		// At once, so that the next key goes on from here.
		for (const other of queue()) other.classList.toggle("chosen", other === li);
		try {
			const page = await load(address);
			if (opening !== address) return; // another has been chosen meanwhile
			if (push) history.replaceState(null, "", address);
			const at = $("#queue").scrollTop;
			replace(page);
			$("#queue")?.scrollTo(0, at);
			chosen()?.scrollIntoView({ block: "nearest" });
		} catch { location.href = address; }
	};
	const step = (by) => {
		const list = queue().filter((li) => li === chosen() || !decided.has(li.dataset.key));
		open(list[list.indexOf(chosen()) + by]);
	};
	const decide = (action) => {
		const form = $("#decision");
		if (!form) return;
		const id = $("#subject").dataset.submission, notes = form.review_notes.value.trim();
		if (decided.has(id)) return;
		if (action !== "approve" && !notes) {
			$("#notes-problem").textContent = action === "reject" ? "Say why it is rejected: the next agent learns from it." : "Say what should change.";
			form.review_notes.setAttribute("aria-invalid", "true");
			form.review_notes.focus();
			form.dataset.intent = action;
			return;
		}
		const title = $("#subject-title").textContent;
		const toast = say(`${names[action]}: ${title}`, "", 0);
		const undo = document.createElement("button");
		undo.type = "button";
		undo.textContent = "Undo";
		toast.append(undo);
		const d = { id, action, notes, toast, timer: setTimeout(() => send(d), grace) };
		undo.addEventListener("click", () => takeBack(d));
		decided.set(id, d);
		const list = queue(), at = list.findIndex((li) => li.dataset.key === id);
		decorate();
		const free = (li) => !decided.has(li.dataset.key);
		open(list.slice(at + 1).find(free) ?? list.slice(0, at).reverse().find(free));
	};
	const takeBack = (d) => {
		if (!decided.delete(d.id)) return;
		clearTimeout(d.timer);
		d.toast.remove();
		const li = queue().find((li) => li.dataset.key === d.id);
		decorate();
		open(li).then(() => { const n = $("#notes"); if (n && d.notes) n.value = d.notes; });
	};
	const send = async (d, leaving = false) => {
		clearTimeout(d.timer);
		d.sent = true;
		d.toast.remove();
		try {
			const answer = await fetch(`/review/${encodeURIComponent(d.id)}`, {
				method: "POST", keepalive: leaving, headers: { Accept: "application/json" },
				body: new URLSearchParams({ action: d.action, review_notes: d.notes }),
			});
			if (!answer.ok) throw new Error(await answer.text());
		} catch (e) {
			decided.delete(d.id);
			decorate();
			say(`Not sent: ${e.message}`, "bad", 8000);
			return;
		}
		setTimeout(() => { decided.delete(d.id); decorate(); }, 3000);
	};
	// Whoever leaves has decided.
	addEventListener("pagehide", () => { for (const d of decided.values()) if (!d.sent) send(d, true); });
	const decorate = () => {
		for (const li of queue()) li.classList.toggle("decided", decided.has(li.dataset.key));
		const form = $("#decision");
		if (form?.tagName === "FORM") for (const b of all("button", form)) b.disabled = decided.has($("#subject").dataset.submission);
	};
	const wireReview = () => {
		const form = $("#decision");
		if (form?.tagName !== "FORM") return;
		form.addEventListener("submit", (e) => { e.preventDefault(); decide(e.submitter?.value ?? form.dataset.intent ?? "approve"); });
		form.review_notes.addEventListener("input", () => { $("#notes-problem").textContent = ""; form.review_notes.removeAttribute("aria-invalid"); });
		form.review_notes.addEventListener("keydown", (e) => {
			if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); decide(form.dataset.intent ?? "revise"); }
			if (e.key === "Escape") form.review_notes.blur();
		});
	};
	document.addEventListener("click", (e) => {
		const a = e.target.closest("#queue a");
		if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
		e.preventDefault();
		open(a.closest("li"));
	});
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, textarea, select")) return;
		if (e.key === "/" && $("#filters")) { e.preventDefault(); $("#filters").q.select(); return; }
		if (!$("#queue") && !decided.size) return;
		const act = { j: () => step(1), k: () => step(-1), a: () => decide("approve"), v: () => decide("revise"), r: () => decide("reject"), u: () => { const last = [...decided.values()].filter((d) => !d.sent).pop(); if (last) takeBack(last); } }[e.key];
		if (act) { e.preventDefault(); act(); }
	});

	const start = () => {
		prepare(document);
		for (const more of all(".more")) watchMore(more);
		wireFilters();
		wireReview();
		decorate();
	};
	start();
	listen();
})();
