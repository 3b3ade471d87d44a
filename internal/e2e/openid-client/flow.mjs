// Runs the flows of openid-client against the issuer whose URL is the first argument, and prints what came of them as
// JSON. The second argument is the private key of the client demo-key. Any error ends it with a status other than 0.
import * as client from "openid-client";

const issuer = new URL(process.argv[2]);
const audience = "https://api.example.com";
const insecure = { execute: [client.allowInsecureRequests] };
const result = {};

// Client credentials, by each way to show them.
for (const [name, authentication] of [["post", client.ClientSecretPost("demo-secret")], ["basic", client.ClientSecretBasic("demo-secret")]]) {
  const config = await client.discovery(issuer, "demo-client", undefined, authentication, insecure);
  const tokens = await client.clientCredentialsGrant(config, { audience, scope: "orders:read", organization: "demo" });
  const answer = await client.tokenIntrospection(config, tokens.access_token);
  result[name] = { token: tokens.access_token, type: tokens.token_type, scope: tokens.scope, active: answer.active };
}

try {
  const config = await client.discovery(issuer, "demo-client", undefined, client.ClientSecretPost("wrong"), insecure);
  await client.clientCredentialsGrant(config, { audience });
} catch (error) {
  result.wrongSecret = { status: error.status, error: error.error };
}

// A token bound to a key, at an issuer that may demand a nonce.
{
  const config = await client.discovery(issuer, "demo-client", undefined, client.ClientSecretPost("demo-secret"), insecure);
  const keys = await client.randomDPoPKeyPair("ES256");
  const DPoP = client.getDPoPHandle(config, keys);
  const tokens = await client.clientCredentialsGrant(config, { audience }, { DPoP });
  result.bound = { token: tokens.access_token, type: tokens.token_type, thumbprint: await DPoP.calculateThumbprint() };
}

// An authorization code with PKCE, and the ID token with its signature.
const config = await client.discovery(issuer, "demo-app", undefined, client.None(), insecure);
client.enableNonRepudiationChecks(config);
const pkceCodeVerifier = client.randomPKCECodeVerifier();
const expectedState = client.randomState();
const expectedNonce = client.randomNonce();
const visit = client.buildAuthorizationUrl(config, {
  redirect_uri: "http://127.0.0.1:3000/callback",
  scope: "openid profile email offline_access orders:read",
  audience,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
  state: expectedState,
  nonce: expectedNonce,
});
const redirect = await fetch(visit, { redirect: "manual" });
const tokens = await client.authorizationCodeGrant(config, new URL(redirect.headers.get("location")), {
  pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true,
});
const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
result.code = {
  token: tokens.access_token, subject: tokens.claims().sub, email: user.email, refreshed: refreshed.access_token,
};

// The same with tokens that are bound to a key.
{
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const visit = client.buildAuthorizationUrl(config, {
    redirect_uri: "http://127.0.0.1:3000/callback",
    scope: "openid email offline_access",
    audience,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    dpop_jkt: await DPoP.calculateThumbprint(),
  });
  const redirect = await fetch(visit, { redirect: "manual" });
  const tokens = await client.authorizationCodeGrant(config, new URL(redirect.headers.get("location")), {
    pkceCodeVerifier, idTokenExpected: true,
  }, undefined, { DPoP });
  const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  result.boundCode = { type: tokens.token_type, email: user.email, refreshed: refreshed.token_type };
}

// A client that authenticates by a key that it keeps to itself.
{
  const key = await crypto.subtle.importKey("pkcs8", Buffer.from(process.argv[3], "base64"), { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  const config = await client.discovery(issuer, "demo-key", undefined, client.PrivateKeyJwt({ key, kid: "k" }), insecure);
  const tokens = await client.clientCredentialsGrant(config, { resource: audience, scope: "orders:read" });
  result.key = { token: tokens.access_token, type: tokens.token_type, scope: tokens.scope };

  // It exchanges the user's token for one of its own.
  const exchanged = await client.genericGrantRequest(config, "urn:ietf:params:oauth:grant-type:token-exchange", {
    subject_token: result.code.token, subject_token_type: "urn:ietf:params:oauth:token-type:access_token", audience,
  });
  result.exchanged = { token: exchanged.access_token, type: exchanged.issued_token_type };
}

// A login with several factors, whose ID token says so, and a refresh token that is used twice.
{
  const acr_values = config.serverMetadata().acr_values_supported[0];
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const visit = client.buildAuthorizationUrl(config, {
    redirect_uri: "http://127.0.0.1:3000/callback", scope: "openid offline_access", audience, acr_values, max_age: "60",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: "S256",
  });
  const redirect = await fetch(visit, { redirect: "manual" });
  const tokens = await client.authorizationCodeGrant(config, new URL(redirect.headers.get("location")), {
    pkceCodeVerifier, idTokenExpected: true, maxAge: 60,
  });
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
  result.stepUp = { asked: acr_values, got: tokens.claims().acr, refreshed: refreshed.claims().acr, again: [] };
  for (const refresh of [tokens.refresh_token, refreshed.refresh_token]) {
    result.stepUp.again.push(await client.refreshTokenGrant(config, refresh).then(() => "", ({ error }) => error));
  }
}

console.log(JSON.stringify(result));
