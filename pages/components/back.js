// One step back leads to the page before.  Streamlit gives every address that a page writes by
// itself an entry in the browser's history, and before a switch of pages it empties that of the
// page which is left.  Such addresses go into the entry that is there; what a person chooses gets
// one of its own.
const SOON = 3000; // milliseconds from an emptied address to the next page

export default function () {
  if (history.isByPage) return; // wrapped already: this runs with every page
  history.isByPage = true;
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  let isChosen = false; // a person did something since the page came
  let emptied = -Infinity; // when the address of the page was emptied

  for (const kind of ["pointerdown", "keydown"]) {
    addEventListener(kind, () => { isChosen = true; }, { capture: true });
  }
  addEventListener("popstate", () => { isChosen = false; }, { capture: true });

  history.pushState = (state, title, url) => {
    const from = new URL(location.href);
    const to = new URL(url ?? location.href, location.href);
    const isSamePage = from.pathname === to.pathname;
    const isOwn = (isSamePage && !isChosen) || performance.now() - emptied < SOON;
    if (!isSamePage) {
      isChosen = false;
      emptied = -Infinity;
    } else if (isChosen && from.search && !to.search) {
      emptied = performance.now();
    }
    (isOwn ? replace : push)(state, title, url);
  };
}
