// A quiz answers as soon as an option is chosen; arrow keys and Tab work as in every form. No other script, no other host.
for (const field of document.querySelectorAll("form.quiz fieldset")) {
  const verdict = field.querySelector(".verdict");
  field.addEventListener("change", (event) => {
    const isRight = event.target.hasAttribute("data-right");
    field.dataset.state = isRight ? "right" : "wrong";
    verdict.innerHTML = `<b>${isRight ? "Right." : "Not this one."}</b> ${event.target.dataset.why}`;
  });
}
