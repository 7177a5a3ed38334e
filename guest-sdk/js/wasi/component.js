// The component's entry: the engine calls the listeners of the `fetch` event for each request.

import { handle } from "#app";
import { answer } from "./index.js";

addEventListener("fetch", (event) => event.respondWith(answer(handle, event.request)));
