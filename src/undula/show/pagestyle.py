"""How the report looks: system fonts, one column of text, one accent, light and dark."""

STYLE = """
:root {
  --paper: #ffffff; --ink: #1b1f24; --soft: #5c6570; --line: #dfe3e8; --wash: #f5f7f9; --accent: #2f5bd7;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --ink: #e8ebee; --soft: #9ba5b0; --line: #2d333b; --wash: #1c2026; --accent: #86a6ff;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 4rem 1.5rem 3rem; max-width: 66rem; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
header { border-top: 5px solid var(--accent); padding-top: 1.4rem; margin-bottom: 3rem; }
h1 { font-size: clamp(1.8rem, 1.2rem + 2.6vw, 2.75rem); line-height: 1.15; font-weight: 650;
  letter-spacing: -0.02em; margin: 0; max-width: 24em; text-wrap: balance; }
.lead { font-size: 1.25rem; line-height: 1.5; color: var(--soft); margin: 1rem 0 0; max-width: 36em; }
section { margin: 0 0 3.25rem; }
h2 { font-size: 1.4rem; line-height: 1.3; font-weight: 620; letter-spacing: -0.01em; margin: 0 0 0.8rem; }
p { margin: 0 0 1rem; max-width: 40em; white-space: pre-line; }
.figures { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 1.75rem; margin: 1.5rem 0; }
figure { margin: 0; max-width: 100%; }
img { display: block; max-width: 100%; height: auto; background: #ffffff; border: 1px solid var(--line);
  border-radius: 6px; }
img.tiny { image-rendering: pixelated; border-radius: 0; }
figcaption { margin-top: 0.6rem; font-size: 0.9rem; line-height: 1.45; color: var(--soft); max-width: 44em;
  width: 0; min-width: 100%; }
.table { overflow-x: auto; margin: 1.5rem 0; }
table { border-collapse: collapse; font-size: 0.95rem; line-height: 1.4; overflow-wrap: normal; }
th, td { padding: 0.5rem 1.5rem 0.5rem 0; text-align: left; vertical-align: baseline;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 550; border-bottom-width: 2px; }
td { font-variant-numeric: tabular-nums; }
.number { text-align: right; }
pre { margin: 1.5rem 0; padding: 1rem 1.25rem; overflow-x: auto; background: var(--wash);
  overflow-wrap: normal; border: 1px solid var(--line);
  border-radius: 8px; font-size: 0.9rem; line-height: 1.5; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
footer { border-top: 1px solid var(--line); padding-top: 1rem; color: var(--soft); font-size: 0.875rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 40rem) { body { padding: 2rem 1.1rem; font-size: 1rem; } .lead { font-size: 1.1rem; } }
@media print { body { max-width: none; padding: 0; } figure, table { break-inside: avoid; } }
"""
