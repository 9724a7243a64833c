// A quiet refresh, keys for lists and search, copy buttons. The page works without any of it.
"use strict";
(() => {
  const said = document.querySelector("[data-said]");
  const seconds = Number(document.body.dataset.refresh || 5);
  let silence = 0;

  function tell(words) {
    if (!said) return;
    said.textContent = words;
    clearTimeout(silence);
    silence = setTimeout(() => { said.textContent = ""; }, 6000);
  }

  // What an operator is in the middle of is left as it is: a focus in a form, a selection, an open form.
  function busy(element) {
    const focus = document.activeElement;
    if (focus && element.contains(focus) && focus.matches("input, select, textarea, summary, button")) return true;
    if (element.querySelector("input[type=checkbox]:checked, details.act[open]")) return true;
    const chosen = document.getSelection();
    return Boolean(chosen && !chosen.isCollapsed && element.contains(chosen.anchorNode));
  }

  // Tokens of forms are of the session, times change by themselves: neither is news.
  function same(before, after) {
    const plain = (node) => node.innerHTML.replace(/<details([^>]*?) open(="")?/g, "<details$1").replace(/\s+/g, " ");
    return plain(before) === plain(after);
  }

  function keepOpen(before, after) {
    const open = [...before.querySelectorAll("details[open] > summary")].map((one) => one.textContent);
    for (const summary of after.querySelectorAll("details > summary"))
      if (open.includes(summary.textContent)) summary.parentElement.open = true;
  }

  function merge(list, fresh) {
    const coming = new Map([...fresh.children].map((item) => [item.dataset.key, item]));
    for (const item of [...list.children]) {
      const next = coming.get(item.dataset.key);
      if (!next) {
        if (item.classList.contains("healed")) {
          if (!item.matches(":hover") && !item.contains(document.activeElement)) item.remove();
          continue;
        }
        item.classList.add("healed");
        for (const input of item.querySelectorAll("input, button")) { input.checked = false; input.disabled = true; }
        tell(document.body.dataset.healed.replace("%s", item.dataset.name || item.dataset.key));
      } else if (!busy(item) && !same(item, next)) {
        item.replaceChildren(...next.childNodes);
        item.classList.remove("healed");
      }
      coming.delete(item.dataset.key);
    }
    for (const item of coming.values()) list.append(item);
  }

  function mergeGroups(groups, fresh) {
    const coming = new Map([...fresh.children].map((one) => [one.dataset.key, one]));
    for (const group of [...groups.children]) {
      const next = coming.get(group.dataset.key);
      const list = group.querySelector("[data-list]");
      const news = next && next.querySelector("[data-list]");
      if (list && news) {
        merge(list, news);
        const head = group.querySelector("header p"), nextHead = next.querySelector("header p");
        if (head && nextHead && head.innerHTML !== nextHead.innerHTML) head.replaceChildren(...nextHead.childNodes);
      } else if (!next && list) {
        merge(list, document.createElement("ol"));
        if (!list.children.length) group.remove();
      } else if (!next && !list) {
        const following = group.nextElementSibling;
        if (!following || following.matches("h2")) group.remove();
      }
      coming.delete(group.dataset.key);
    }
    for (const group of coming.values()) groups.append(group);
  }

  async function refresh() {
    if (document.hidden) return;
    let text;
    try {
      const answer = await fetch(location.href, { headers: { "x-refresh": "1" }, credentials: "same-origin" });
      if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
      text = await answer.text();
    } catch {
      document.body.classList.add("stale");
      tell(document.body.dataset.trouble);
      return;
    }
    document.body.classList.remove("stale");
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const region of document.querySelectorAll("[data-region]")) {
      const next = fresh.querySelector(`[data-region="${CSS.escape(region.dataset.region)}"]`);
      if (!next || busy(region) || same(region, next)) continue;
      keepOpen(region, next);
      region.replaceChildren(...next.childNodes);
    }
    const groups = document.querySelector("[data-groups]"), next = fresh.querySelector("[data-groups]");
    if (groups && next) mergeGroups(groups, next);
    const clock = document.querySelector("[data-live-clock]"), now = fresh.querySelector("[data-live-clock]");
    if (clock && now) clock.replaceChildren(...now.childNodes);
  }

  if (document.querySelector("[data-region], [data-groups]")) setInterval(refresh, seconds * 1000);

  // Keys: / searches, j and k move in a list, Enter opens, x selects.
  let at = -1;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/") {
      event.preventDefault();
      document.querySelector("[data-search]").focus();
      return;
    }
    const items = [...document.querySelectorAll(".orders > li")];
    if (!items.length || !["j", "k", "x"].includes(event.key)) return;
    if (event.key === "x") {
      const box = items[at] && items[at].querySelector("input[type=checkbox]");
      if (box) box.checked = !box.checked;
      return;
    }
    at = Math.max(0, Math.min(items.length - 1, at + (event.key === "j" ? 1 : -1)));
    const link = items[at].querySelector("a");
    if (link) { link.focus(); items[at].scrollIntoView({ block: "nearest" }); }
  });

  for (const button of document.querySelectorAll("[data-select-all]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const boxes = [...button.closest("form").querySelectorAll("input[type=checkbox]:not(:disabled)")];
      const all = boxes.every((box) => box.checked);
      for (const box of boxes) box.checked = !all;
    });
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.nextElementSibling.textContent);
      tell(button.dataset.copied);
    });
  }
})();
