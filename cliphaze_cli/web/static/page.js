// The page: hands photos to the server, shows what came back, and mixes before and after by itself, so that the
// strength answers at once. Files are made by the server.

const byId = (id) => document.getElementById(id);
const HEARD = 30_000; // milliseconds between signs of life
const photos = []; // what the server told of each, and its strength
let session = null;
let current = null;
let waiting = Promise.resolve(); // uploads go one after the other
let queued = 0;

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("the server does not answer: start `cliphaze web` again, and reload this page");
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (response.ok) return answer;
  const error = new Error(answer.error ?? `the server answered ${response.status}`);
  error.status = response.status;
  throw error;
}

const post = (path, body) => ask(path, { method: "POST", body });
const address = (photo, what = "") => `sessions/${session}/photos/${photo.photo}${what}`;

async function open() {
  const begun = await post("sessions");
  session = begun.session;
  byId("limits").textContent =
    `At most ${begun.megapixels} megapixels each. They stay on the computer that serves this page, ` +
    "and are deleted when you close it.";
  byId("legend-text").textContent = `Haze density (${begun.density})`;
}

function tell(line) {
  const item = document.createElement("li");
  const text = document.createElement("span");
  text.textContent = line;
  const dismiss = document.createElement("button");
  dismiss.type = "button";
  dismiss.className = "dismiss";
  dismiss.textContent = "✕";
  dismiss.setAttribute("aria-label", "Dismiss this line");
  dismiss.addEventListener("click", () => item.remove());
  item.append(text, dismiss);
  byId("errors").append(item);
}

function say(text) {
  byId("status").textContent = text;
}

function add(files) {
  for (const file of files) {
    queued += 1;
    waiting = waiting.then(() => upload(file));
  }
}

async function upload(file) {
  say(`Dehazing ${file.name}${queued > 1 ? ` (${queued - 1} more to go)` : ""} …`);
  try {
    const photo = await post(`sessions/${session}/photos?name=${encodeURIComponent(file.name)}`, file);
    photo.strength = 1;
    photos.push(photo);
    list(photo);
    if (current === null) show(photo);
  } catch (error) {
    if (error.status === 404) await forget();
    tell(error.message.includes(file.name) ? error.message : `${file.name}: ${error.message}`);
  }
  queued -= 1;
  if (queued === 0) say(photos.length === 1 ? "1 photo" : photos.length ? `${photos.length} photos` : "");
}

// The server has deleted this session: begin anew.
async function forget() {
  while (photos.length) drop(photos[0]);
  await open().catch((error) => tell(error.message));
}

function list(photo) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  const picture = document.createElement("img");
  picture.src = address(photo, "/after.jpg");
  picture.alt = "";
  const name = document.createElement("span");
  name.textContent = photo.name;
  button.title = photo.name;
  button.append(picture, name);
  button.addEventListener("click", () => show(photo));
  item.append(button);
  byId("photos").append(item);
  photo.item = item;
  document.body.classList.add("has-photos");
}

function show(photo) {
  current = photo;
  for (const each of photos) each.item.firstChild.setAttribute("aria-current", String(each === photo));
  const details = document.createElement("small");
  details.textContent = ` ${photo.width} × ${photo.height}`;
  byId("name").replaceChildren(photo.name, details);
  const [width, height] = photo.shown;
  byId("stage").style.setProperty("--ratio", width / height);
  byId("before").src = address(photo, "/before.jpg");
  byId("after").src = address(photo, "/after.jpg");
  byId("density").src = address(photo, "/density.jpg");
  byId("before").alt = `${photo.name} before`;
  byId("after").alt = `${photo.name} after`;
  byId("density").alt = `Haze density of ${photo.name}, on average ${photo.density_mean.toFixed(2)}`;
  byId("strength").value = photo.strength;
  note(photo.notices);
  mix();
  byId("viewer").hidden = false;
}

function drop(photo) {
  photo.item.remove();
  photos.splice(photos.indexOf(photo), 1);
  if (current !== photo) return;
  current = null;
  if (photos.length) show(photos[0]);
  else {
    byId("viewer").hidden = true;
    document.body.classList.remove("has-photos");
  }
}

function note(lines) {
  byId("notices").replaceChildren(
    ...lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = `Note: ${line}`;
      return item;
    }),
  );
}

// Strength is one multiplication: what full strength adds is added in part.
function mix() {
  byId("after").style.opacity = current.strength;
  const percent = `${Math.round(current.strength * 100)} %`;
  byId("strength-shown").textContent = percent;
  byId("strength").setAttribute("aria-valuetext", percent);
  byId("strength-help").textContent =
    `Download makes ${current.download} at full size, as cliphaze dehaze --strength ${current.strength} does.`;
}

function divide() {
  const value = byId("divider").value;
  byId("stage").style.setProperty("--divide", `${value}%`);
  byId("divider").setAttribute("aria-valuetext", `${value} % before, ${100 - value} % after`);
}

async function download() {
  const photo = current;
  const file = address(photo, `/file?strength=${photo.strength}`);
  byId("download").disabled = true;
  say(`Making ${photo.download} …`);
  try {
    const made = await post(file);
    if (made.notices.length) note([...new Set([...photo.notices, ...made.notices])]);
    const link = document.createElement("a");
    link.href = file;
    link.download = made.download;
    link.click();
    say(`${made.download} is made.`);
  } catch (error) {
    if (error.status === 404) await forget();
    tell(error.message);
    say("");
  }
  byId("download").disabled = false;
}

byId("files").addEventListener("change", (event) => {
  add([...event.target.files]);
  event.target.value = "";
});
byId("divider").addEventListener("input", divide);
byId("strength").addEventListener("input", (event) => {
  current.strength = Number(event.target.value);
  mix();
});
byId("show-density").addEventListener("change", (event) => {
  byId("density").hidden = byId("legend").hidden = !event.target.checked;
  byId("stage").classList.toggle("hazy", event.target.checked);
});
byId("download").addEventListener("click", download);
byId("remove").addEventListener("click", async () => {
  const photo = current;
  await ask(address(photo), { method: "DELETE" }).catch(() => null); // or its session is gone, and it with it
  drop(photo);
});

for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
}
for (const kind of ["dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    if (kind === "drop" || event.relatedTarget === null) document.body.classList.remove("dragging");
  });
}
document.addEventListener("drop", (event) => add([...event.dataTransfer.files]));

window.addEventListener("pagehide", () => session && navigator.sendBeacon(`sessions/${session}/end`));
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
setInterval(() => session && post(`sessions/${session}`).catch((error) => error.status === 404 && forget()), HEARD);

divide();
waiting = open().catch((error) => tell(error.message));
