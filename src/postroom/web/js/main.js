/** Where everything begins: the language, the router, the shell. */
import { startBadge } from "./badge.js";
import { startWorker } from "./dom.js";
import { useLanguage } from "./i18n.js";
import { startRouter } from "./router.js";
import "./keys.js";

await useLanguage(navigator.languages);
startRouter();
await import("./components/app.js");
startBadge();
startWorker();
