// Light or dark as Cockpit's shell says, or the system where it says "auto".

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function apply(told) {
    const style = told ?? localStorage.getItem("shell:style") ?? "auto";
    document.documentElement.classList.toggle("pf-v6-theme-dark", style === "dark" || (style === "auto" && dark.matches));
}

window.addEventListener("storage", event => { if (event.key === "shell:style") apply() });
window.addEventListener("cockpit-style", event => apply(event.detail.style));
dark.addEventListener("change", () => apply());
apply();
