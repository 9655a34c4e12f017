// The course home page as a tab in JupyterLab.
//
// A prebuilt JupyterLab extension is a script that leaves a container with `init` and `get` under
// window._JUPYTERLAB. A bundler usually writes that; a hundred lines need none, so this file is the
// source and the build at once. JupyterLab hands its own modules over in `init`.
"use strict";
(() => {
  const ICON =
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><path class="jp-icon3" fill="#616161" ' +
    'd="M4 4h16v4H4zm0 6h16v4H4zm0 6h16v4H4zm2-11v2h2V5zm0 6v2h2v-2zm0 6v2h2v-2z"/></svg>';
  // What a link on the page may ask for.
  const COMMANDS = ["nbgrader:open-assignment-list", "nbgrader:open-formgrader", "terminal:create-new"];
  let shared;

  async function load(name) {
    const versions = Object.values(shared[name]);
    const module = versions.find(v => (v.from || "").startsWith("@jupyterlab/application")) || versions[0];
    return (await module.get())();
  }

  async function plugin() {
    const [{ ILauncher }, apputils, { IFrame, LabIcon }, { PageConfig, URLExt }] = await Promise.all(
      ["launcher", "apputils", "ui-components", "coreutils"].map(name => load("@jupyterlab/" + name))
    );
    const url = (...parts) => URLExt.join(PageConfig.getBaseUrl(), "servelab", ...parts);

    function activate(app, palette, launcher, themes) {
      let tab = null;
      const icon = new LabIcon({ name: "servelab:home", svgstr: ICON });
      const dark = () => document.body.dataset.jpThemeLight === "false";
      const frame = () => tab && tab.node.querySelector("iframe");

      function tellTheme() {
        if (frame()) frame().contentWindow.postMessage({ type: "servelab:theme", dark: dark() }, location.origin);
      }

      function show(activated) {
        if (!tab || !tab.isAttached) {
          if (tab) tab.dispose(); // closing a tab only takes it off the page
          tab = new IFrame({ sandbox: ["allow-scripts", "allow-same-origin", "allow-popups", "allow-downloads"] });
          tab.id = "servelab-home";
          tab.title.label = "Course";
          tab.title.caption = "Serving LLMs in Production: labs, scores, this machine";
          tab.title.icon = icon;
          tab.title.closable = true;
          tab.url = url("home") + "?theme=" + (dark() ? "dark" : "light");
          frame().title = "Course home page";
          frame().addEventListener("load", tellTheme);
          const first = Array.from(app.shell.widgets("main"))[0];
          app.shell.add(tab, "main", { activate: false, mode: first && "tab-before", ref: first && first.id });
        }
        if (activated) app.shell.activateById(tab.id);
      }

      async function openLab(lab) {
        try {
          // Under a JupyterHub the server answers no script that does not send this cookie's value back.
          const token = (document.cookie.match(/(?:^|; )_xsrf=([^;]*)/) || [])[1] || "";
          const headers = { Accept: "application/json", "X-XSRFToken": token };
          const answer = await fetch(url("open", encodeURIComponent(lab)), { headers });
          const told = await answer.json();
          if (!answer.ok) throw new Error(told.error);
          await app.commands.execute("docmanager:open", { path: told.path });
        } catch (error) {
          apputils.showErrorMessage("This lab could not be opened", error);
        }
      }

      window.addEventListener("message", event => {
        if (!frame() || event.source !== frame().contentWindow || event.origin !== location.origin) return;
        const { type, lab, command } = event.data || {};
        if (type !== "servelab:click") return;
        if (lab) openLab(lab);
        else if (COMMANDS.includes(command)) app.commands.execute(command);
      });
      if (themes) themes.themeChanged.connect(tellTheme);

      const command = "servelab:home";
      app.commands.addCommand(command, {
        label: "Course home",
        caption: "Labs, scores, this machine",
        icon,
        execute: () => show(true)
      });
      if (palette) palette.addItem({ command, category: "Course" });
      if (launcher) launcher.add({ command, category: "Course", rank: 0 });

      // Whoever asked for a file by its address sees that file; everybody else sees the course first.
      app.restored.then(() => show(!PageConfig.getOption("treePath")));
    }

    return {
      id: "servelab-home:plugin",
      description: "The course home page as a tab.",
      autoStart: true,
      optional: [apputils.ICommandPalette, ILauncher, apputils.IThemeManager],
      activate
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["servelab-home"] = {
    init: scope => {
      shared = scope;
    },
    get: async () => {
      const made = await plugin();
      return () => ({ __esModule: true, default: made });
    }
  };
})();
