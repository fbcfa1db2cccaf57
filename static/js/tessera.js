/*! Tessera for browsers: validate, redeem, track. Documentation: /docs/browser/ */
(() => {
  if (globalThis.Tessera) return; // loaded before
  const KEPT = "tessera_tracking_id";
  const YEAR = 365 * 24 * 3600;
  const script = globalThis.document && document.currentScript;
  let base = script ? new URL(script.src).origin : globalThis.location ? location.origin : "";
  let keys = null;
  let timeout = 5000;
  let identity = null;

  // The server's own cookie is a third-party one on a shop's page; where browsers block those, this one stands in.
  const kept = () => {
    const found = document.cookie.split("; ").find((part) => part.startsWith(`${KEPT}=`));
    return found ? decodeURIComponent(found.slice(KEPT.length + 1)) : null;
  };
  const keep = (token, age = YEAR) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${KEPT}=${encodeURIComponent(token)}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
  };

  class TesseraError extends Error {
    constructor(message, facts) {
      super(message);
      this.name = "TesseraError";
      Object.assign(this, facts);
    }
  }

  async function call(method, path, query, body) {
    if (!keys) throw new TesseraError("Call initialize(clientApplicationId, clientToken) first", { key: "not_initialized" });
    const url = new URL(`/client/v1${path}`, base);
    for (const [name, value] of query) url.searchParams.append(name, value);
    let response;
    try {
      response = await fetch(url, {
        method,
        credentials: "include",
        signal: AbortSignal.timeout(timeout),
        headers: {
          Accept: "application/json",
          "X-Client-Application-Id": keys.id,
          "X-Client-Token": keys.token,
          "X-Voucherify-Channel": "Tessera.js",
          ...(body ? { "Content-Type": "application/json" } : {}),
        },
        body: body && JSON.stringify(body),
      });
    } catch (error) {
      const late = error.name === "TimeoutError";
      const words = late ? `No answer within ${timeout} ms` : "The server cannot be reached from this page";
      throw new TesseraError(words, { key: late ? "timeout" : "network_error" });
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new TesseraError(answer.message || `HTTP ${response.status}`, { status: response.status, ...answer });
    if (answer.tracking_id && path !== "/publish") keep(answer.tracking_id);
    return answer;
  }

  // Nested values as the query wants them: item[0][sku_id], customer[metadata][tier].
  function* pairs(value, name) {
    if (value === undefined || value === null) return;
    if (value instanceof Date) yield [name, value.toISOString()];
    else if (typeof value === "object")
      for (const [key, child] of Object.entries(value)) yield* pairs(child, name ? `${name}[${key}]` : key);
    else yield [name, String(value)];
  }

  // An identity beside the kept token lets the server join what the visitor did before to the customer.
  const visitor = () => ({ tracking_id: identity && !kept() ? identity : kept() });
  const customerOf = (given) => {
    const customer = typeof given === "string" ? { source_id: given } : { ...given };
    if (!customer.id && !customer.source_id && (identity || kept())) customer.source_id = identity || kept();
    return customer;
  };
  const plain = (code) => String(code).replace(/\s/g, "");

  function question(asked) {
    const { code, amount, items, metadata, orderMetadata, customer, session, ...rest } =
      typeof asked === "string" ? { code: asked } : { ...asked };
    const named = typeof customer === "string" || customer?.id; // another's token beside it would be ambiguous
    const who = identity && kept() && !named ? customerOf(customer) : customer;
    return {
      ...rest,
      code: code && plain(code),
      amount,
      item: items,
      metadata,
      order: orderMetadata && { metadata: orderMetadata },
      customer: who,
      ...(!named && visitor()),
      ...(session && { session_type: "LOCK", session_key: session.key, session_ttl: session.ttl, session_ttl_unit: session.ttl_unit }),
    };
  }

  const withCallback = (work) => (...args) => {
    const callback = typeof args.at(-1) === "function" ? args.pop() : null;
    const promise = work(...args);
    if (callback) promise.then((answer) => callback(answer, null), (error) => callback(null, error));
    return promise;
  };
  const joined = () => (identity && kept() ? [["tracking_id", kept()]] : []);

  globalThis.Tessera = {
    TesseraError,
    initialize(clientApplicationId, clientToken, milliseconds = 5000) {
      keys = { id: clientApplicationId, token: clientToken };
      timeout = milliseconds;
    },
    setBaseUrl(url) {
      base = new URL(url).origin;
    },
    setIdentity(who) {
      identity = who || null;
    },
    trackingId: kept,
    forget() {
      identity = null;
      keep("", 0);
    },
    validate: withCallback(async (asked = {}) => {
      const query = question(asked);
      return call("GET", query.code ? "/validate" : "/promotions/validation", pairs(query));
    }),
    redeem: withCallback(async (code, { customer, order, metadata, session } = {}) =>
      call("POST", "/redeem", [["code", plain(code)], ...joined()], { customer: customerOf(customer), order, metadata, session })),
    track: withCallback(async (event, metadata, customer) =>
      call("POST", "/events", [], { event, metadata, customer: customerOf(customer), ...Object.fromEntries(joined()) })),
    publish: withCallback(async (campaign, { customer, channel = "Tessera.js", metadata } = {}) =>
      call("POST", "/publish", [["campaign", campaign]], { customer: customerOf(customer), channel, metadata })),
    listVouchers: withCallback(async (filters = {}) =>
      call("GET", "/vouchers", pairs({ customer: identity || kept(), ...filters }))),
  };
})();
