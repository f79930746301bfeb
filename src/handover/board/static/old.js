// In words that the oldest browser understands: where the board did not start, it says so instead of showing nothing.

window.addEventListener('load', function () {
  if (!document.body.getAttribute('data-runs')) document.getElementById('old').hidden = false;
});
