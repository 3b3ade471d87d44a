// Gets tokens that are bound to keys from the issuer whose URL is the first argument, and uses them at the API whose URL
// is the second. Prints what came of it as JSON. Any error ends it with a status other than 0.
import * as oauth from "oauth4webapi";

const [issuer, api] = [new URL(process.argv[2]), new URL(process.argv[3])];
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: "demo-client" };
const authentication = oauth.ClientSecretPost("demo-secret");
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));

// withNonce repeats a request once if the server asks for a nonce, which DPoP has noted by then.
async function withNonce(request) {
  let asked = 0;
  for (;;) {
    try {
      return { value: await request(), asked };
    } catch (error) {
      if (!oauth.isDPoPNonceError(error) || asked++ > 0) throw error;
    }
  }
}

function token(DPoP) {
  const parameters = new URLSearchParams({ audience: "https://api.example.com", scope: "orders:read" });
  return withNonce(async () =>
    oauth.processClientCredentialsResponse(
      as, client, await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, { ...insecure, DPoP }),
    ));
}

const call = (access, DPoP, path, options) =>
  withNonce(async () => (await oauth.protectedResourceRequest(access, "GET", new URL(path, api), undefined, undefined, { ...insecure, DPoP, ...options })).status);

// What an answer says that is not good.
async function refused(request) {
  try {
    return { status: (await request()).value };
  } catch (error) {
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error;
    return { status: error.status, challenges: error.cause.map(({ scheme, parameters }) => ({ scheme, error: parameters.error, algs: parameters.algs })) };
  }
}

const result = { keys: {} };
for (const alg of ["ES256", "Ed25519", "PS256", "RS256"]) {
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(alg));
  const { value: tokens, asked: askedByIssuer } = await token(DPoP);
  const first = await call(tokens.access_token, DPoP, "orders");
  const second = await call(tokens.access_token, DPoP, "orders?page=2#top");
  result.keys[alg] = { type: tokens.token_type, askedByIssuer, first, second };
}

const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
const access = (await token(DPoP)).value.access_token;

// The same request, proof and all, sent again.
let sent;
await call(access, DPoP, "orders", { [oauth.customFetch]: (...request) => fetch(...(sent = request)) });
const again = await fetch(...sent);
result.replayed = { status: again.status, challenge: again.headers.get("www-authenticate") };

result.byAnotherKey = await refused(async () => call(access, oauth.DPoP(client, await oauth.generateKeyPair("ES256")), "orders"));
result.asBearer = await refused(() => call(access, undefined, "orders"));
result.withoutScope = await refused(() => call(access, DPoP, "admin"));

console.log(JSON.stringify(result));
