/** The path below which this page is shown, "" for none: a reverse proxy may have put one before it. */
export const root: string = document.documentElement.dataset["root"] ?? "";
