// An expression: a function of {width, touch} that lists what would keep a person
// from reading or using the page in this window.
({ width, touch }) => {
  const problems = [];
  const name = (e) => `<${e.tagName.toLowerCase()}${e.id && '#' + e.id}${e.className && '.' + e.className}> "${(e.innerText || e.value || '').trim().slice(0, 40)}"`;
  const say = (e, what) => problems.push(`${name(e)} ${what}`);
  const up = function* (e) { for (; e; e = e.parentElement) yield e; };

  const rgba = (text) => {
    const m = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(text);
    return m && [+m[1], +m[2], +m[3], m[4] === undefined ? 1 : +m[4]];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const canvas = () => matchMedia('(prefers-color-scheme: dark)').matches && getComputedStyle(document.documentElement).colorScheme.includes('dark') ? [18, 18, 18, 1] : [255, 255, 255, 1];
  const background = (e) => {
    const layers = [];
    for (const a of up(e)) {
      const layer = rgba(getComputedStyle(a).backgroundColor);
      layers.unshift(layer);
      if (layer[3] === 1) break;
    }
    return layers.reduce((below, top) => over(top, below), canvas());
  };
  const luminance = (c) => {
    const [r, g, b] = c.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (colour, e) => {
    const behind = background(e);
    const [a, b] = [luminance(over(rgba(colour), behind)), luminance(behind)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };

  const checkDocument = () => {
    if (!document.title.trim()) problems.push('the document has no title');
    if (!document.documentElement.lang) problems.push('the document has no language');
    if (document.querySelectorAll('h1').length !== 1) problems.push('the document has not one h1');
    if (document.querySelectorAll('main').length !== 1) problems.push('the document has not one main');
    // Not innerWidth, which a phone widens to what does not fit.
    const wide = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth);
    if (wide > width) problems.push(`the document is ${wide} px wide in a window of ${width}`);
  };

  const checkText = (node) => {
    const e = node.parentElement, style = getComputedStyle(e), range = document.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()];
    if (!rects.length || style.visibility !== 'visible') return say(e, 'has text that is not shown');
    if (rects.some((r) => r.left < -0.5 || r.right > width + 0.5 || r.top + scrollY < 0)) say(e, 'has text outside the window');
    if (parseFloat(style.fontSize) < 13) say(e, `has text of ${style.fontSize}`);
    const ratio = contrast(style.color, e);
    if (ratio < 4.5) say(e, `has a contrast of ${ratio.toFixed(2)} to 1`);
    for (const a of up(e)) {
      const s = getComputedStyle(a);
      if (s.opacity !== '1' || s.backgroundImage !== 'none' || s.filter !== 'none') say(a, 'has an effect that this check cannot see through');
      if (s.overflow !== 'visible' && (a.scrollWidth > a.clientWidth || a.scrollHeight > a.clientHeight) && a !== document.documentElement) say(a, 'cuts off what is in it');
    }
    e.scrollIntoView({ block: 'center', behavior: 'instant' });
    const r = range.getClientRects()[0], top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
    if (top && !e.contains(top) && !top.contains(e)) say(e, `is covered by ${name(top)}`);
  };

  const checkControl = (e) => {
    const rect = e.getBoundingClientRect(), style = getComputedStyle(e);
    const label = e.labels?.[0]?.innerText || e.getAttribute('aria-label') || (e.matches('input') ? '' : e.innerText);
    if (!label?.trim()) say(e, 'has no label');
    if (!rect.width || style.visibility !== 'visible') say(e, 'is not shown');
    if (rect.left < -0.5 || rect.right > width + 0.5) say(e, 'reaches outside the window');
    if (touch && rect.height < 44) say(e, `is ${rect.height} px high, too low for a thumb`);
    if (e.matches('input, textarea')) {
      const ratio = contrast(style.color, e);
      if (ratio < 4.5) say(e, `has a contrast of ${ratio.toFixed(2)} to 1`);
      if (parseFloat(style.fontSize) < 16) say(e, `has text of ${style.fontSize}: a phone zooms in when it is touched`);
      const edge = contrast(style.borderTopColor, e.parentElement);
      if (edge < 3) say(e, `has an edge with a contrast of ${edge.toFixed(2)} to 1`);
    }
  };

  checkDocument();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) if (texts.currentNode.data.trim() && !texts.currentNode.parentElement.closest('script, style')) checkText(texts.currentNode);
  document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary').forEach(checkControl);
  const focused = document.activeElement;
  if (focused && focused !== document.body) {
    const s = getComputedStyle(focused);
    if (s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 2) say(focused, 'does not show that it has the focus');
    else if (contrast(s.outlineColor, focused.parentElement) < 3) say(focused, 'shows the focus too faintly');
  }
  scrollTo(0, 0);
  return problems;
}
