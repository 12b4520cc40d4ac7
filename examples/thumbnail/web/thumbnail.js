// Without this script the form still works: the browser then shows the thumbnail in place of the page.
const form = document.querySelector("form");
const state = document.querySelector("#status");
const result = document.querySelector("#result");
const preview = document.querySelector("#preview");
const save = document.querySelector("#save");

async function makeThumbnail() {
  const file = form.picture.files[0];
  if (!file || !form.reportValidity()) return;
  result.hidden = true;
  state.textContent = "Working…";
  const query = new URLSearchParams({ w: form.w.value, h: form.h.value });
  const response = await fetch("./?" + query, { method: "POST", headers: { "Content-Type": file.type }, body: file });
  if (!response.ok) throw new Error(await response.text());
  show(await response.blob(), file);
}

function show(blob, file) {
  URL.revokeObjectURL(preview.src);
  preview.src = save.href = URL.createObjectURL(blob);
  save.download = "thumbnail." + (blob.type === "image/jpeg" ? "jpg" : "png");
  state.textContent = `${file.size.toLocaleString()} bytes became ${blob.size.toLocaleString()}.`;
  result.hidden = false;
}

function run(event) {
  event.preventDefault();
  makeThumbnail().catch((error) => { state.textContent = error.message; });
}

form.addEventListener("submit", run);
form.addEventListener("change", run);
