// Radio buttons below a quiz's answer cell. The cell's text is the answer: a click writes it there.

function writeIntoCell(element, line) {
  const cell = element.closest(".jp-CodeCell");
  const content = cell && cell.querySelector(".jp-InputArea-editor .cm-content");
  if (!content) return false; // not JupyterLab or Notebook 7
  content.focus({ preventScroll: true });
  const selection = window.getSelection();
  selection.selectAllChildren(content);
  document.execCommand("insertText", false, line);
  return content.textContent.includes(line); // in a cell that is still being drawn nothing is written
}

// An option's text; what stands between backticks is code, as in the list above the cell.
function worded(text) {
  const words = document.createElement("span");
  text.split(/`([^`]+)`/).forEach((part, place) => {
    const piece = place % 2 ? document.createElement("code") : document.createTextNode("");
    piece.textContent = part;
    words.append(piece);
  });
  return words;
}

function render({ model, el }) {
  const line = (id) => model.get("line").replace("@", id);
  const group = document.createElement("fieldset");
  const together = `${model.get("name")}-${Math.random()}`; // two views of one question do not share a choice
  group.className = "servelab-radio";
  const legend = document.createElement("legend");
  legend.textContent = "Your answer";
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  group.append(legend);
  // JupyterLab takes these keys for its own, also from here: the arrows would move from cell to cell instead of choosing.
  group.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow") || event.key === " ") event.stopPropagation();
  });
  for (const [id, text] of model.get("options")) {
    const label = document.createElement("label");
    const button = document.createElement("input");
    button.type = "radio";
    button.name = together;
    button.value = id;
    button.checked = model.get("value") === id;
    button.addEventListener("change", () => {
      const written = writeIntoCell(el, line(id));
      button.focus({ preventScroll: true });
      if (written) {
        model.set("value", id);
        model.save_changes();
        said.textContent = `Written into the cell above: ${id}.`;
      } else {
        button.checked = false; // so that one can click it again
        said.textContent = `Put this into the cell above, and run it: ${line(id)}`;
      }
    });
    label.append(button, worded(text));
    group.append(label);
  }
  el.append(group, said);
}

export default { render };
