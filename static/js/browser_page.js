// The form of /docs/browser/: calls the visitor's own project with the shops' library.
const form = document.querySelector("#trial");
const verdict = document.querySelector("#verdict");
const answer = document.querySelector("#answer");

const acts = {
  validate: ({ code, amount }) => Tessera.validate({ code, amount }),
  redeem: ({ code, amount }) => Tessera.redeem(code, { order: { amount: Number(amount) } }),
  track: () => Tessera.track("page_viewed", { page: location.pathname }),
  forget: async () => (Tessera.forget(), { tracking_id: null }),
};

function show(words, value) {
  verdict.textContent = words;
  answer.hidden = false;
  answer.textContent = JSON.stringify(value, null, 2);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const values = Object.fromEntries(new FormData(form));
  Tessera.initialize(values.appId, values.token);
  Tessera.setIdentity(values.identity);
  try {
    const value = await acts[event.submitter.value](values);
    show(value.valid === false ? `Refused: ${value.reason}` : "Done", value);
  } catch (error) {
    show(error.message, { key: error.key, details: error.details, status: error.status });
  }
});
