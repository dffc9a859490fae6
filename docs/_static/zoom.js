// A click on a figure shows it as large as the window; a click or Escape closes it.
document.addEventListener("DOMContentLoaded", () => {
  const dialog = document.body.appendChild(document.createElement("dialog"));
  dialog.className = "zoom";
  dialog.addEventListener("click", () => dialog.close());
  for (const picture of document.querySelectorAll("article img")) {
    if (picture.closest("a")) continue;
    picture.tabIndex = 0;
    picture.title = "Click to enlarge";
    const open = () => {
      dialog.replaceChildren(picture.cloneNode());
      dialog.showModal();
    };
    picture.addEventListener("click", open);
    picture.addEventListener("keydown", (event) => event.key === "Enter" && open());
  }
});
