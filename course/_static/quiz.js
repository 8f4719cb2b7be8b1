// A quiz answers as soon as an option is chosen; arrow keys and Tab work as in every form. No other script, no other host.
for (const field of document.querySelectorAll("form.quiz fieldset")) {
  const verdict = field.querySelector(".verdict");
  field.addEventListener("change", (event) => {
    const isRight = event.target.hasAttribute("data-right");
    field.dataset.state = isRight ? "right" : "wrong";
    verdict.innerHTML = isRight ? `<b>Right.</b> ${verdict.dataset.why}` : "<b>Not this one.</b> Try again.";
  });
}
