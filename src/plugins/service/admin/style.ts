/** The one style sheet: works from 320 px, in the light and in the dark, with contrast of 4.5 and more. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --shade: #f5f7f9;
  --accent: #0b5cad; --on-accent: #fff; --bar: #1f2a37; --on-bar: #f3f6f9;
  --bad: #a40e26; --bad-shade: #fff0f1; --good: #11632b; --good-shade: #e9f7ee;
  --warn: #6b4400; --warn-shade: #fff4d6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e6eaee; --soft: #a3adb8; --line: #38424d; --shade: #1c2229;
    --accent: #7ab8ff; --on-accent: #0a1a2b; --bar: #0c1116; --on-bar: #e6eaee;
    --bad: #ff9aa6; --bad-shade: #3a171c; --good: #8fdda9; --good-shade: #14301f;
    --warn: #ffd98a; --warn-shade: #3a2e10;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
a { color: var(--accent); }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible,
textarea:focus-visible, summary:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: .5rem; top: .5rem; padding: .5rem; background: var(--paper); z-index: 1; }
.top { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.5rem; padding: .6rem 1.25rem;
  background: var(--bar); color: var(--on-bar); }
.top a { color: inherit; text-underline-offset: .2em; }
.top :focus-visible { outline-color: currentColor; }
.brand { font-weight: 650; text-decoration: none; }
.top ul { display: flex; flex-wrap: wrap; gap: 0 .25rem; margin: 0; padding: 0; list-style: none; }
.top li a { display: block; padding: .3rem .6rem; border-radius: .3rem; text-decoration: none; }
.top li a:hover { text-decoration: underline; }
.top li a[aria-current] { background: rgb(255 255 255 / .16); }
.who { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1rem; margin-left: auto;
  font-size: .9rem; overflow-wrap: anywhere; }
.acting { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between;
  gap: .5rem 1rem; padding: .5rem 1.25rem; background: var(--warn-shade); color: var(--warn);
  border-bottom: 2px solid currentColor; overflow-wrap: anywhere; }
.acting p { margin: 0; }
main { max-width: 84rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; overflow-wrap: anywhere; }
.narrow { max-width: 26rem; }
h1 { margin: .5rem 0 1rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; }
.trail ol { display: flex; flex-wrap: wrap; margin: 0; padding: 0; list-style: none; font-size: .9rem;
  color: var(--soft); overflow-wrap: anywhere; }
.trail li + li::before { content: "/"; padding: 0 .5rem; }
.message, .problems { margin: 0 0 1rem; padding: .6rem .9rem; border-left: 4px solid currentColor;
  border-radius: .2rem; overflow-wrap: anywhere; }
.message { background: var(--good-shade); color: var(--good); }
.problems { background: var(--bad-shade); color: var(--bad); }
.problems p, .problems ul { margin: 0; }
.problems a { color: inherit; }
.bar { display: flex; flex-wrap: wrap; align-items: end; gap: .75rem; margin: 0 0 1rem; }
.bar .field { margin: 0; flex: 0 1 auto; }
.bar .field input, .bar .field select { width: auto; min-width: 9rem; max-width: 100%; }
.bar input, .bar select, .bar button { height: 2.6rem; }
.bar a { line-height: 2.6rem; }
.field { margin: 0 0 1.1rem; max-width: 46rem; }
.field label { display: block; font-weight: 600; }
.field input[type=text], .field input[type=password], .field input[type=search],
.field input[type=date], .field select, .field textarea {
  width: 100%; padding: .45rem .6rem; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--soft); border-radius: .3rem; }
.field textarea { resize: vertical; }
.field textarea.code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .9rem; }
.field [aria-invalid] { border-color: var(--bad); border-width: 2px; }
.flag { display: grid; grid-template-columns: auto 1fr; gap: 0 .6rem; align-items: center; }
.flag input { width: 1.15rem; height: 1.15rem; margin: 0; accent-color: var(--accent); }
.flag p { grid-column: 2; }
.hint { margin: .1rem 0 .3rem; color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
.problem { margin: .1rem 0 .3rem; color: var(--bad); font-weight: 600; overflow-wrap: anywhere; }
.fixed { margin: 0 0 .9rem; max-width: 60rem; }
.fixed dt { font-weight: 600; }
.fixed dd { margin: 0; overflow-wrap: anywhere; }
.fixed pre { margin: .2rem 0; padding: .6rem; background: var(--shade); border: 1px solid var(--line);
  border-radius: .3rem; max-height: 24rem; overflow: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; margin-top: 1.5rem; }
button, .button { display: inline-block; padding: .45rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .3rem;
  text-decoration: none; }
button:hover, .button:hover { filter: brightness(1.1); }
.danger { color: #fff; background: #a40e26; border-color: #a40e26; }
.quiet { padding: .25rem .7rem; color: inherit; background: transparent; border-color: currentColor;
  font-weight: 500; }
.single { display: inline; margin: 0; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
caption { position: absolute; left: -100vw; }
th, td { padding: .5rem .75rem .5rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
tbody th { min-width: 14rem; max-width: 30rem; overflow-wrap: anywhere; }
td time, td button { white-space: nowrap; }
thead th { font-size: .9rem; color: var(--soft); white-space: nowrap; }
tbody th { font-weight: 600; }
tbody tr:hover { background: var(--shade); }
.empty { padding: 2rem 1rem; text-align: center; color: var(--soft); background: var(--shade);
  border-radius: .3rem; }
.pager { display: flex; gap: 1rem; margin-top: 1rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; margin: 0;
  padding: 0; list-style: none; }
.cards li { padding: 1rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--shade); }
.cards h2 { margin: 0 0 .25rem; }
.cards p { margin: 0 0 .5rem; color: var(--soft); }
@media (max-width: 46rem) {
  .top { padding: .6rem 1rem; }
  .who { margin-left: 0; }
  main { padding: .75rem 1rem 3rem; }
  .bar .field, .bar .field input, .bar .field select { width: 100%; }
  table, tbody, tr, th, td { display: block; }
  thead { position: absolute; left: -100vw; }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  th, td { padding: .1rem 0; border: 0; max-width: none; overflow-wrap: anywhere; }
  .acting { padding: .5rem 1rem; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
  td.nothing { display: none; }
}
`;
