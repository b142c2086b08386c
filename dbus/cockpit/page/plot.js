// Rates of the last two minutes as two lines.

import { card, h } from "./dom.js";
import { _, format, N_ } from "./i18n.js";

const SECONDS = 120;
const WIDTH = 240;
const HEIGHT = 100;
const SERIES = [["ReceiveRate", N_("Received"), "received"], ["PublishRate", N_("Published"), "published"]];

// The next of 1, 2, 5, 10, 20 ... that is not below.
function above(value) {
    let top = 1;
    for (let index = 0; top < value; index++)
        top *= index % 3 === 1 ? 2.5 : 2;
    return top;
}

const number = value => value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 });

export class Plot {
    constructor(service) {
        Object.assign(this, { service, samples: [] });
        this.lines = SERIES.map(([, , name]) => h("polyline", { class: `line ${name}`, points: "" }));
        const grid = [0, 0.5, 1].map(part => h("line", { class: "grid", x1: 0, x2: WIDTH, y1: part * HEIGHT, y2: part * HEIGHT }));
        this.picture = h("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": _("No rates yet") },
                         grid, this.lines);
        this.top = h("span", {}, "1");
        this.middle = h("span", {}, "0.5");
        this.now = SERIES.map(() => h("strong", {}, "0"));
        const legend = SERIES.map(([, title, name], index) =>
            h("li", {}, h("span", { class: `key ${name}`, "aria-hidden": "true" }), `${_(title)} `, this.now[index], _(" /s")));
        this.element = card(_("Adverts per second"), [
            h("ul", { class: "legend" }, legend),
            h("div", { class: "axes" },
              h("div", { class: "scale", "aria-hidden": "true" }, this.top, this.middle, h("span", {}, "0")),
              this.picture),
            h("div", { class: "times", "aria-hidden": "true" }, h("span", {}, _("2 min ago")), h("span", {}, _("now"))),
        ]);
        service.addEventListener("stats", () => this.sample());
    }

    // One sample for each time that the counters were asked for; a gap (nobody looked) stays one.
    sample() {
        const { stats, polled } = this.service;
        if (!polled || polled === this.last)
            return;
        this.last = polled;
        this.samples.push({ at: polled, rates: SERIES.map(([name]) => stats[name]) });
        this.samples = this.samples.filter(sample => sample.at > polled - SECONDS * 1000);
        this.draw();
    }

    draw() {
        const top = above(Math.max(1, ...this.samples.flatMap(sample => sample.rates)));
        const x = at => WIDTH - (this.last - at) / 1000 * (WIDTH / SECONDS);
        this.lines.forEach((line, index) => {
            const points = this.samples.map(({ at, rates }) => `${x(at).toFixed(1)},${(HEIGHT - rates[index] / top * HEIGHT).toFixed(1)}`);
            line.setAttribute("points", points.join(" "));
        });
        this.top.textContent = number(top);
        this.middle.textContent = number(top / 2);
        const latest = this.samples.at(-1).rates;
        this.now.forEach((now, index) => { now.textContent = number(latest[index]) });
        this.picture.setAttribute("aria-label", format(
            _("The last two minutes: now $0 adverts a second received, $1 published"), number(latest[0]), number(latest[1])));
    }
}
