// Runs the flows of openid-client against the issuer whose URL is the first argument, and prints what came of them as
// JSON. Any error ends it with a status other than 0.
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

console.log(JSON.stringify(result));
