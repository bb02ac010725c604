// A short tour on the first visit of this browser; it says what can be done here and never comes back unasked.

const tour = document.getElementById("tour");
if (tour && !localStorage.getItem("tour-seen")) {
  tour.hidden = false;
  tour.querySelector("details").open = matchMedia("(min-width: 42rem)").matches; // one line on a phone
}
document.getElementById("tour-done")?.addEventListener("click", () => {
  localStorage.setItem("tour-seen", "1");
  tour.hidden = true;
  document.getElementById("main").focus();
});
