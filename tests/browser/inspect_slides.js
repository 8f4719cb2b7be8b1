// What is wrong with the slides of a deck: heading -> faults; empty if nothing is. `least` holds the smallest letters, in pixels.
least => {
  const faults = {};
  Reveal.getSlides().forEach((section, place) => {
    const steps = section.querySelector(".fragment") ? [-1, 0] : [-1];  // a poll without its answer, and with it
    for (const step of steps) {
      Reveal.slide(place, 0, step);
      const found = inspect(section.querySelector(".slide"));
      if (found.length) faults[`${place + 1}: ${section.querySelector("h1, h2").textContent}`] = found;
    }
  });
  return faults;

  function inspect(slide) {
    const frame = slide.getBoundingClientRect(), faults = [];
    const visible = one => one.checkVisibility({ visibilityProperty: true, opacityProperty: false });
    const inside = (box, outer, slack) => box.left >= outer.left - slack && box.right <= outer.right + slack
      && box.top >= outer.top - slack && box.bottom <= outer.bottom + slack;
    const name = one => `${one.tagName} ${one.textContent.trim().slice(0, 40)}`;
    const scale = frame.width / slide.offsetWidth;
    for (const one of slide.querySelectorAll("*")) {
      if (!visible(one) || one.closest("figcaption, svg, math")) continue;
      const box = one.getBoundingClientRect();
      if (!inside(box, frame, 1)) faults.push(`leaves the slide: ${name(one)}`);
      if (one.scrollWidth > one.clientWidth + 1 && one.clientWidth && getComputedStyle(one).display !== "inline")
        faults.push(`is cut: ${name(one)}`);
    }
    const parts = [...slide.querySelectorAll("h2, .pictures, .words > *, .source")].filter(visible);
    parts.forEach((one, place) => parts.slice(place + 1).forEach(other => {
      const a = one.getBoundingClientRect(), b = other.getBoundingClientRect();
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 1) faults.push(`${name(one)} lies on ${name(other)}`);
    }));
    const texts = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const one = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || !visible(one) || one.closest("figcaption, svg, style, math")) continue;
      const pixels = parseFloat(getComputedStyle(one).fontSize) * scale;
      if (pixels < (one.closest(".source") ? least.source : least.text)) faults.push(`${pixels.toFixed(1)} px: ${name(one)}`);
    }
    for (const figure of slide.querySelectorAll(".kit-figure")) {
      const picture = figure.querySelector("svg, img"), box = picture.getBoundingClientRect();
      const drawn = picture.tagName === "IMG" ? picture.naturalWidth : picture.querySelectorAll("path, rect, text").length;
      if (drawn <= 2) faults.push("a figure is empty");
      if (box.width < 300 * scale || box.height < 150 * scale) faults.push(`a figure is small: ${box.width} x ${box.height}`);
      for (const text of picture.querySelectorAll("text")) {
        if (!text.textContent.trim()) continue;
        const matrix = text.getScreenCTM();
        const pixels = parseFloat(getComputedStyle(text).fontSize) * Math.hypot(matrix.a, matrix.b);
        if (pixels < least.figure) faults.push(`${pixels.toFixed(1)} px in a figure: ${text.textContent.trim().slice(0, 40)}`);
        if (!inside(text.getBoundingClientRect(), box, 3)) faults.push(`leaves its figure: ${text.textContent.trim().slice(0, 40)}`);
      }
    }
    return [...new Set(faults)];
  }
}
