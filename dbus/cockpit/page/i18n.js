// Texts in the language of Cockpit, by its gettext; English where there is no browser.

export const _ = text => globalThis.cockpit?.gettext(text) ?? text;

// A text that is translated where it is shown.
export const N_ = text => text;

// $0, $1 ... are replaced.
export const format = (text, ...values) => text.replace(/\$([0-9])/g, (_all, index) => String(values[index]));

export const counted = (one, many, count) =>
    format(globalThis.cockpit?.ngettext(one, many, count) ?? (count === 1 ? one : many), count.toLocaleString());
