import "./tessera.js";

const library = globalThis.Tessera;
library.setBaseUrl(import.meta.url);

export const { TesseraError, initialize, setBaseUrl, setIdentity, trackingId, forget } = library;
export const { validate, redeem, track, publish, listVouchers } = library;
export default library;
