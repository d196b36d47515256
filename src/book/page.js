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

// A link into a folded part opens it; paper shows every part.
const unfold = (element) => {
  for (; element; element = element.parentElement) if (element.tagName === "DETAILS") element.open = true;
};
const arrive = () => {
  const there = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (there) { unfold(there); there.scrollIntoView(); }
};
addEventListener("hashchange", arrive);
if (location.hash) arrive();
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(unfold));

// The contents follow the reading.
const headings = [...document.querySelectorAll("main h2, main h3")];
let current;
const follow = () => {
  const here = headings.findLast((heading) => heading.getBoundingClientRect().top < 120) ?? headings[0];
  if (!here || here === current) return;
  current = here;
  for (const link of document.querySelectorAll("nav a[aria-current]")) link.removeAttribute("aria-current");
  for (const link of document.querySelectorAll(`nav a[href="#${here.parentElement.id}"]`)) {
    link.setAttribute("aria-current", "true");
    if (link.closest(".side")) link.scrollIntoView({ block: "nearest" });
  }
};
addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
follow();
for (const link of document.querySelectorAll("details.contents a")) {
  link.addEventListener("click", () => { link.closest("details").open = false; });
}
