// Starts oidc-provider with TLS on loopback, for clients that authenticate by their certificate, and prints one line of
// JSON when it listens. The variable CERTIFICATES has, in PEM and as JSON, the server's key and cert, the ca of clients,
// and the selfSigned certificate of one of them.
import { X509Certificate, generateKeyPairSync } from 'node:crypto';
import https from 'node:https';
import Provider from 'oidc-provider';

const { key, cert, ca, selfSigned } = JSON.parse(process.env.CERTIFICATES);
const signing = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const own = new X509Certificate(selfSigned);
const client = (id, method, more) => ({
  client_id: id, redirect_uris: [], response_types: [], grant_types: ['client_credentials'],
  token_endpoint_auth_method: method, tls_client_certificate_bound_access_tokens: true, ...more,
});
const certificateOf = (ctx) => ctx.req.socket.getPeerX509Certificate();

const server = https.createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: false }).listen(0, '127.0.0.1', () => {
  const issuer = `https://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...signing, kid: 's', alg: 'RS256', use: 'sig' }] },
    clients: [
      client('by-ca', 'tls_client_auth', { tls_client_auth_subject_dn: 'CN=orders' }),
      client('by-itself', 'self_signed_tls_client_auth', {
        jwks: { keys: [{ ...own.publicKey.export({ format: 'jwk' }), x5c: [own.raw.toString('base64')] }] },
      }),
    ],
    clientAuthMethods: ['tls_client_auth', 'self_signed_tls_client_auth'],
    scopes: ['orders:read'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      mTLS: {
        enabled: true, certificateBoundAccessTokens: true, selfSignedTlsClientAuth: true, tlsClientAuth: true,
        getCertificate: (ctx) => certificateOf(ctx)?.toString(),
        certificateAuthorized: (ctx) => ctx.req.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_subject_dn' && certificateOf(ctx).subject === expected,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (ctx, resource) => ({ scope: 'orders:read', audience: resource, accessTokenFormat: 'jwt' }),
      },
    },
  });
  server.on('request', provider.callback());
  console.log(JSON.stringify({ issuer }));
});
process.stdin.resume().on('end', () => process.exit(0)); // ends with the test
