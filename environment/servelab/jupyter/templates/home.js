"use strict";
// Inside JupyterLab this page is a tab: links to labs then open beside it instead of in it.
const inTab = window.parent !== window;
const theme = new URLSearchParams(location.search).get("theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

document.addEventListener("click", event => {
  const link = event.target.closest("a[data-lab], a[data-command]");
  if (!link || !inTab || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  window.parent.postMessage({ type: "servelab:click", ...link.dataset }, location.origin);
});

if (inTab) {
  window.addEventListener("message", event => {
    if (event.origin !== location.origin || !event.data || event.data.type !== "servelab:theme") return;
    document.documentElement.dataset.theme = event.data.dark ? "dark" : "light";
  });
}

// Only sections that changed are put in, so that nothing jumps under a reader.
let timer = null;
async function refresh() {
  clearTimeout(timer);
  try {
    // Under a JupyterHub the server answers no script that does not send this cookie's value back.
    const token = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] || "";
    const asked = { credentials: "same-origin", headers: { "X-XSRFToken": token } };
    const answer = await fetch(location.pathname + "?sections", asked);
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const section of document.querySelectorAll("section[id]")) {
        const next = fresh.getElementById(section.id);
        if (!next) continue;
        if (section.querySelector("details[open]")) next.querySelector("details")?.setAttribute("open", "");
        if (next.innerHTML !== section.innerHTML) section.replaceChildren(...next.childNodes);
      }
    }
  } catch (error) {
    // The server is stopping or away: what is shown stays, and the next look may succeed.
  }
  schedule();
}
function schedule() {
  timer = setTimeout(() => (document.hidden ? schedule() : refresh()), 15000);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
window.addEventListener("focus", refresh);
schedule();
