// Sets the chosen theme before the first paint; a module would come too late and the page would flash.
(function () {
  try {
    const asked = new URLSearchParams(location.search).get("theme");
    const theme = asked || localStorage.getItem("tallyring.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Without storage the system's theme holds.
  }
})();
