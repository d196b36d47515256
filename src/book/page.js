for (const listing of document.querySelectorAll(".listing")) {
  const button = make("button", { class: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(listing.querySelector("code").innerText + "\n");
    button.textContent = "Copied";
  });
  listing.append(button);
}
for (const heading of document.querySelectorAll("main > div > :is(h2, h3, h4, h5)")) {
  heading.append(make("a", { class: "permalink", href: `#${heading.id}`, "aria-label": "Link here" }, "#"));
}
for (const box of document.querySelectorAll("pre, .scroll, .formula")) box.tabIndex = 0;

// The contents stand open beside the text where there is room.
const contents = document.querySelector("nav details");
const wide = matchMedia("(min-width: 1200px)");
const fit = () => { contents.open = wide.matches; };
wide.addEventListener("change", fit);
contents.addEventListener("click", (event) => { if (event.target.closest("a")) fit(); });
fit();

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
const headings = [...document.querySelectorAll("main h2, main h3")].filter((heading) => heading.id);
let current;
const follow = () => {
  const here = headings.findLast((heading) => heading.getBoundingClientRect().top < 120) ?? headings[0];
  const link = here && contents.querySelector(`a[href="#${here.id}"]`);
  if (!link || link === current) return;
  current?.removeAttribute("aria-current");
  current = link;
  link.setAttribute("aria-current", "true");
  if (wide.matches) link.scrollIntoView({ block: "nearest" });
};
addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
follow();
