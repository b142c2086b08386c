// "Download report": the file for support that `cassia-bypassctl report` makes, without secrets and addresses of devices.
/* global cockpit */

import { alert, announce, button, dialog, h } from "./dom.js";
import { _ } from "./i18n.js";

export const FILE = "cassia-bypass-report.txt";

async function download(pressed) {
    pressed.disabled = true;
    try {
        const text = await cockpit.spawn(["cassia-bypassctl", "report", "-"], { superuser: "try", err: "message" });
        const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
        h("a", { href: address, download: FILE }).click();
        // What was asked for is on its way before this.
        setTimeout(() => URL.revokeObjectURL(address), 60000);
        announce(_("The report was made."));
    } catch (error) {
        dialog(_("Download report"), [alert("danger", _("The report could not be made"), [cockpit.message(error)])],
               box => [button(_("Close"), "pf-m-primary", () => box.close())]);
    }
    pressed.disabled = false;
}

export const reporter = () => button(_("Download report"), "pf-m-link pf-m-inline", event => download(event.currentTarget));
