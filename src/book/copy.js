/* Generated from README.org by tangle.el; edit README.org instead. */
for (const listing of document.querySelectorAll(".listing")) {
  const button = document.createElement("button");
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(listing.querySelector("code").innerText + "\n");
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  listing.append(button);
}
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details.solution")) folded.open = true;
});
