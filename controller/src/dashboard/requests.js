// Adds requests at the top of the table as they end. Without this the page is loaded again for them.
const list = document.getElementById("requests");
const rows = list.querySelector("tbody");
const state = document.getElementById("state");
const pause = document.getElementById("pause");
let last = list.dataset.last;
let source = null;

function follow() {
  source = new EventSource("requests/events?after=" + last);
  source.onopen = () => { state.textContent = "New ones are added."; };
  source.onerror = () => {
    const gone = source.readyState === EventSource.CLOSED;
    if (gone) { state.textContent = "New ones are not added: too many others follow, or the connection is lost."; }
  };
  source.onmessage = (event) => {
    last = event.lastEventId;
    // Rows as the page has them, in which Adit has escaped what is not its own.
    rows.insertAdjacentHTML("afterbegin", event.data);
    while (rows.children.length > list.dataset.most) { rows.lastElementChild.remove(); }
  };
}

pause.hidden = false;
pause.onclick = () => {
  if (source) {
    source.close();
    source = null;
    state.textContent = "Paused.";
  } else {
    follow();
  }
  pause.textContent = source ? "Pause" : "Go on";
};
follow();
