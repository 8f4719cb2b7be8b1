// A button on each block of code copies it. A page opened from a file may have no clipboard API: then a selection is copied.
for (const block of document.querySelectorAll(".cell_input .highlight, article > section .highlight")) {
  if (block.closest(".cell_output") || block.querySelector("button.copy")) continue;
  const button = Object.assign(document.createElement("button"), { className: "copy", type: "button", textContent: "Copy" });
  button.setAttribute("aria-label", "Copy the code");
  button.addEventListener("click", async () => {
    const code = block.querySelector("pre").textContent.trimEnd();
    try {
      await navigator.clipboard.writeText(code);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: code });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  block.classList.add("copied");
  block.append(button);
}
