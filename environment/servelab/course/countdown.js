// How long an exam has been open. It informs; nothing is locked when the time is over.

function words(model) {
  const passed = (Date.now() / 1000 - model.get("began")) / 60;
  const left = Math.ceil(model.get("minutes") - passed);
  if (left > 0) return `${Math.floor(passed)} of ${model.get("minutes")} minutes have passed, ${left} are left.`;
  return `${model.get("minutes")} minutes have passed. Nothing is locked: finish when you are done.`;
}

function render({ model, el }) {
  const line = document.createElement("p");
  line.setAttribute("role", "timer");
  const tick = () => (line.textContent = words(model));
  tick();
  const timer = setInterval(tick, 5000);
  el.append(line);
  return () => clearInterval(timer);
}

export default { render };
