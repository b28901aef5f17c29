// Copy buttons, tabs, and causes that get their body when they are opened. Holds no text of the user beyond the page's own.
(() => {
  if (window.ekmReady) return;
  window.ekmReady = true;
  // Some browsers have the maker's servers check what is typed, secrets too.
  document.documentElement.spellcheck = false;

  const wish = new Map(); // what the user opened or closed, by cause, so that a redrawn result looks the same
  let askedTurn = ""; // the answer whose lower part is being asked for
  let removing = false; // a row was removed: the keyboard's focus goes to what remains, once that is drawn
  let way = ""; // the tab last chosen: somebody who works with Terraform does so for every cause

  // The store may be a moment older than the answer on the page: only a body of the same turn will do.
  const inStore = (cause, key) => {
    const turn = cause.closest(".ekm-deferred")?.dataset.turn;
    return document.querySelector(`.ekm-store[data-turn="${turn}"] [data-for="${CSS.escape(key)}"]`);
  };

  // The body of a cause stands in the page's store, or is asked of the server, which escapes every value in it; the
  // page's policy lets no inline script run.
  const fill = (cause) => {
    const body = cause.querySelector(":scope > .ekm-body");
    const key = cause.dataset.cause;
    const stored = cause.dataset.body ? cause : inStore(cause, key);
    if (!stored) {
      if (!body.textContent) body.textContent = "One moment …";
      // Asked again until it is there: a question put while the page is being redrawn finds no listener.
      cause.ekmAsked = (cause.ekmAsked || 0) + 1;
      if (cause.ekmAsked > 20) return;
      window.dispatchEvent(new CustomEvent("ekm-open", { detail: key }));
      clearTimeout(cause.ekmAgain);
      cause.ekmAgain = setTimeout(() => cause.isConnected && cause.open && fill(cause), 500);
      return;
    }
    if (cause.ekmBody !== stored.dataset.body) {
      // The store comes anew, a moment after the list of causes, when the user's values have changed.
      cause.ekmBody = stored.dataset.body;
      body.innerHTML = stored.dataset.body;
    }
    cause.querySelectorAll('[role="tablist"]').forEach((list) => {
      const tab = list.querySelector(`[data-way="${way}"]`);
      if (tab) choose(tab, false);
    });
  };

  const choose = (tab, focus) => {
    for (const other of tab.parentElement.querySelectorAll('[role="tab"]')) {
      const on = other === tab;
      other.setAttribute("aria-selected", String(on));
      other.tabIndex = on ? 0 : -1;
      const panel = document.getElementById(other.getAttribute("aria-controls"));
      if (panel) panel.hidden = !on;
    }
    if (focus) tab.focus();
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Without https, or in a frame without allow="clipboard-write", only the older way is open.
      const area = document.createElement("textarea");
      area.value = text;
      area.style.position = "fixed";
      area.style.opacity = "0";
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };

  // What is passed on the way gets its true height only then, so the target moves: it is looked for until it rests.
  const lead = (target, block, tries = 10) => {
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block });
    const top = target.getBoundingClientRect().top;
    requestAnimationFrame(() => setTimeout(() => tries && target.getBoundingClientRect().top !== top && lead(target, block, tries - 1), 50));
  };

  const say = (button, words) => {
    const label = (button.dataset.label ??= button.textContent);
    button.textContent = words;
    clearTimeout(button.ekmTimer);
    button.ekmTimer = setTimeout(() => (button.textContent = label), 2500);
    let live = document.getElementById("ekm-live");
    if (!live) {
      live = document.createElement("div");
      live.id = "ekm-live";
      live.className = "ekm-visually-hidden";
      live.setAttribute("role", "status");
      document.body.append(live);
    }
    live.textContent = words;
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.(".ekm-copy");
    if (button) {
      const link = button.dataset.link;
      const text = link
        ? location.origin + location.pathname + "?error=" + encodeURIComponent(link)
        : (button.ekmText ?? button.closest(".ekm-snippet")?.querySelector("pre").textContent);
      if (text === undefined) return; // it only looks like one
      const open = Number(button.dataset.open || 0);
      const note = open ? `Copied, ${open} open` : "Copied";
      const focused = document.activeElement;
      const done = await copy(text);
      if (focused === button) button.focus();
      say(button, done ? note : "Press Ctrl+C");
      return;
    }
    const leading = event.target.closest?.(".ekm-goto");
    if (leading) {
      const { error, fields = "" } = leading.dataset;
      const inputs = fields.split(" ").map((key) => key && document.querySelector(`.st-key-${CSS.escape(key)} input`));
      const target = error ? document.querySelector(`article[data-error="${CSS.escape(error)}"]`) : inputs.find(Boolean);
      // A report that is opened again has no form beside it.
      if (target) lead(target, error ? "start" : "center");
      else if (fields) say(leading, "no field on this page, fill it in by hand");
      return;
    }
    const remove = event.target.closest?.(".ekm-remove");
    if (remove) {
      removing = true;
      window.dispatchEvent(new CustomEvent("ekm-remove", { detail: remove.dataset.remove }));
    }
    const tab = event.target.closest?.('.ekm-tabs [role="tab"]');
    if (tab) {
      way = tab.dataset.way;
      choose(tab, true);
    }
    if (event.target.closest?.(".st-key-ask button")) tell("");
    const summary = event.target.closest?.("details.ekm-cause > summary");
    if (summary) wish.set(summary.parentElement.dataset.cause, !summary.parentElement.open);
  });

  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.('.ekm-tabs [role="tab"]');
    if (!tab) return;
    const tabs = [...tab.parentElement.querySelectorAll('[role="tab"]')];
    const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -tabs.indexOf(tab), End: tabs.length - 1 - tabs.indexOf(tab) };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(tab) + steps[event.key] + tabs.length) % tabs.length];
    way = next.dataset.way;
    choose(next, true);
  });

  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details.ekm-cause") && event.target.open) fill(event.target);
  }, true);

  const settle = () => {
    measured();
    for (const place of document.querySelectorAll(".ekm-deferred")) {
      if (place.ekmHtml === place.dataset.html) continue;
      place.ekmHtml = place.dataset.html;
      // What the reader has scrolled to is there at once, or the page would jump; else what stands above is painted first.
      if (place.getBoundingClientRect().top < 0) put(place);
      else requestAnimationFrame(() => setTimeout(put, 0, place));
    }
    fillOpen();
    askBelow();
  };

  // Once the head of an answer is painted, what stands below it is asked for. What is left of an answer before keeps
  // its room meanwhile, unseen.
  const askBelow = () => {
    const turn = document.querySelector(".ekm-answer")?.dataset.turn;
    if (turn === undefined) return;
    for (const place of document.querySelectorAll(".ekm-deferred")) place.classList.toggle("stale", place.dataset.turn !== turn);
    if (document.querySelector(".ekm-store")?.dataset.turn === turn || turn === askedTurn) return;
    askedTurn = turn;
    requestAnimationFrame(() => setTimeout(ask, 0, turn, 500));
  };

  // Asked again until it is there, ever more rarely: a question put while the page is being redrawn, or while the
  // connection is away, finds no listener.
  const ask = (turn, pause) => {
    const head = document.querySelector(".ekm-answer");
    const there = document.querySelector(".ekm-store")?.dataset.turn === turn;
    if (there || head?.dataset.turn !== turn) {
      if (askedTurn === turn) askedTurn = "";
      return;
    }
    window.dispatchEvent(new CustomEvent("ekm-open", { detail: "" }));
    setTimeout(ask, pause, turn, Math.min(pause * 1.2, 10000));
  };

  const put = (place) => {
    if (!place.isConnected) return;
    place.innerHTML = place.dataset.html;
    // In a long text the words that decide would stand out of sight.
    for (const text of place.querySelectorAll("pre.ekm-text:has(mark)")) {
      text.scrollTop = text.querySelector("mark").getBoundingClientRect().top - text.getBoundingClientRect().top - 40;
    }
    const next = removing && place.querySelector(".ekm-remove");
    if (next) {
      removing = false;
      next.focus();
    }
    fillOpen();
  };

  const fillOpen = () => {
    for (const cause of document.querySelectorAll("details.ekm-cause")) {
      const wanted = wish.get(cause.dataset.cause);
      if (wanted !== undefined) cause.open = wanted;
      if (cause.open) fill(cause);
    }
  };

  // What stood in the large fields when the connection broke, in this page's memory alone, until a session has answered:
  // it may break again before. Mostly it still stands there afterwards; but a front end that finds itself at another
  // server, or another version of one, begins with empty fields.
  const typed = new Map();
  const labelled = (label) => document.querySelector(`textarea[aria-label="${CSS.escape(label)}"]`);
  const remember = () => {
    for (const box of document.querySelectorAll("textarea[aria-label]")) if (box.value) typed.set(box.ariaLabel, box.value);
  };
  const write = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
  const putBack = () => {
    for (const [label, text] of typed) {
      const box = labelled(label);
      if (!box || box.disabled || box.value) continue;
      write.call(box, text);
      box.dispatchEvent(new Event("input", { bubbles: true }));
      box.focus({ preventScroll: true }); // what stands in a field is sent when it is left
    }
  };

  // The connection. While it is lost we say so; once it is there again the page is asked for anew, and where its session
  // is another one, that is said too, and whether what somebody typed is still in its box.
  let connected = false;
  let lost = false;
  let away = 0;
  let visit = document.documentElement.dataset.ekmVisit ?? "";

  // Fields are disabled meanwhile, and lose the focus. In some browsers (Chromium 150, not 156) they do so while the page is
  // being redrawn, when it heeds no event: no click would leave them any more, and what stands there would never be sent.
  let field = null;
  document.addEventListener("focusin", (event) => (field = event.target.matches?.("input, textarea") ? event.target : null));
  document.addEventListener("focusout", (event) => (field = event.target.disabled ? field : null));
  const giveFocusBack = (tries = 100) => {
    if (!field?.isConnected) return;
    if (field.disabled) setTimeout(() => tries && giveFocusBack(tries - 1), 50);
    else if (document.activeElement === document.body) field.focus({ preventScroll: true });
  };

  const tell = (words, last, texts = []) => {
    document.querySelector(".ekm-connection")?.remove();
    if (!words) return;
    const bar = document.createElement("div");
    bar.className = "ekm ekm-connection";
    bar.setAttribute("role", "alert");
    bar.append(document.createElement("span"));
    bar.firstChild.append(words);
    for (const text of texts) {
      const button = document.createElement("button");
      button.className = "ekm-copy";
      button.textContent = "Copy what you typed";
      button.ekmText = text;
      bar.append(button);
    }
    if (last) {
      const close = document.createElement("button");
      close.className = "ekm-copy";
      close.textContent = "Close";
      close.addEventListener("click", () => bar.remove());
      bar.append(close);
    }
    document.querySelector(".stApp")?.append(bar);
  };

  const watch = () => {
    const state = document.querySelector(".stApp")?.dataset.testConnectionState;
    if (state === "CONNECTED") {
      clearTimeout(away);
      if (lost) {
        giveFocusBack();
        // Nobody listens where the page's own parts were on their way when the connection broke.
        const heard = !window.dispatchEvent(new CustomEvent("ekm-reconnected", { cancelable: true }));
        // The page may have come anew already, and with it the word of a new session, which stays.
        document.querySelector(".ekm-connection:not(:has(button))")?.remove();
        if (!heard) tell("Connected again, but parts of this page are missing. Copy what you typed, then reload the page.", true);
      }
      connected = true;
      lost = false;
    } else if (connected && !lost) {
      lost = true;
      remember();
      away = setTimeout(tell, 1500, "No connection to the server. What you typed stays here, and this page goes on by itself as soon as the server answers.");
    }
  };
  new MutationObserver(watch).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-test-connection-state"] });

  watch();

  // Looked for until the page has been drawn anew.
  const welcome = (tries = 20) => {
    putBack();
    const missing = [...typed].filter(([label, text]) => labelled(label)?.value !== text);
    if (missing.length && tries) return void setTimeout(welcome, 250, tries - 1);
    const again = document.querySelector(".st-key-ask") ? " Press Diagnose again." : "";
    const still = typed.size ? ` What you typed is still here.${again}` : "";
    const gone = " What you typed is no longer in its field: copy it from here.";
    tell(`The server was restarted, or your session had ended.${missing.length ? gone : still} Files, evidence and your values have to be given again.`, true, missing.map(([, text]) => text));
    typed.clear();
  };

  window.addEventListener("ekm-visit", (event) => {
    if (visit && visit !== event.detail) welcome();
    else typed.clear();
    visit = event.detail;
  });

  // In a frame: the page around it may make it as tall as its content. Only a page that the server allows can hold the
  // frame at all; the message goes to that page's origin and carries the height alone.
  const around = window.parent === window ? "" : (location.ancestorOrigins?.[0] ?? (document.referrer && new URL(document.referrer).origin));
  let height = 0;
  const measure = (block) => {
    const now = Math.ceil(block.getBoundingClientRect().height);
    if (!now || now === height) return;
    height = now;
    window.parent.postMessage({ type: "ekm-height", height }, around);
  };
  const sizes = around && new ResizeObserver((entries) => measure(entries[0].target));
  const measured = () => {
    const block = document.querySelector(".streamlit-embedded .stMainBlockContainer");
    if (!sizes || !block || block.ekmMeasured) return;
    block.ekmMeasured = true;
    sizes.disconnect();
    sizes.observe(block);
  };

  settle();
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) {
        if (node.nodeType === 1 && (node.matches(".ekm, .ekm-deferred, .stHtml") || node.querySelector(".ekm, .ekm-deferred"))) return settle();
      }
    }
  }).observe(document.body, { childList: true, subtree: true });
})();
