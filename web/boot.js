// Starts the interface. A file of its own: the policy allows no inline scripts.
const app = new URL("./%APP%/", import.meta.url);
// The files of each section that is loaded when it is needed; see web/src/lazy.rs.
const files = %SECTIONS%;

// Which sections a page needs. A page that is missing here works, and comes a little later.
const sectionsOf = (path) => {
  const [first, second, third] = path.split("/").filter(Boolean);
  if (first === "settings" || first === "activity") return ["instance"];
  if (first === "test") return ["chat"];
  if (first !== "projects" || !second) return [];
  if (second === "new") return ["studio"];
  return { chat: ["project", "chat"], runs: ["project", "chat"], pipeline: ["project", "studio"], settings: ["project", "studio"] }[third] ?? ["project"];
};

const asked = new Set();
const ask = (path, relation) => {
  for (const file of sectionsOf(path).flatMap((section) => files[section] ?? [])) {
    if (asked.has(file)) continue;
    asked.add(file);
    const link = document.createElement("link");
    Object.assign(link, { rel: relation, as: "fetch", crossOrigin: "anonymous", href: new URL(file, app).href });
    document.head.append(link);
  }
};

// The page of this address needs them at once; the page of a link, perhaps, when somebody points at it.
ask(location.pathname, "preload");
for (const event of ["pointerover", "focusin"]) {
  document.addEventListener(event, ({ target }) => {
    const link = target.closest?.("a[href]");
    if (link?.origin === location.origin) ask(link.pathname, "prefetch");
  }, { passive: true });
}

try {
  const { default: start } = await import("./%APP%/app.js");
  await start({ module_or_path: new URL("app.wasm", app) });
} catch (error) {
  console.error(error);
  const make = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const again = make("button", { type: "button", className: "button" }, "Try again");
  again.addEventListener("click", () => location.reload());
  const text = "Gantry could not be started here: the server went away, or this browser is too old.";
  const notice = make("div", { className: "notice bad", role: "alert" }, make("p", {}, text), again);
  document.getElementById("boot")?.remove();
  document.body.append(make("main", { className: "boot-failed" }, make("h1", {}, "Gantry"), notice));
}
