// Runs from file:// too, where a page's modules do not: says how to serve the bundle instead.
if (location.protocol === "file:") document.documentElement.classList.add("file");
