// Starts reveal.js. No animation: what a slide shows is there at once, on a screen as in print.
const { width, height } = document.body.dataset;
Reveal.initialize({
  width: Number(width),
  height: Number(height),
  margin: 0,
  center: false,
  controls: false,
  hash: true,
  slideNumber: "c/t",
  transition: "none",
  backgroundTransition: "none",
  pdfSeparateFragments: false,
  plugins: [RevealNotes],
});
