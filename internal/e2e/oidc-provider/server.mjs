// Starts oidc-provider on loopback and prints one line of JSON when it listens.
import { createHash, generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' };
const signing = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

const client = (id, method, more) => ({
  client_id: id, redirect_uris: [], response_types: [], grant_types: ['client_credentials'],
  token_endpoint_auth_method: method, introspection_signed_response_alg: 'RS256', ...more,
});
const http = await import('node:http');
const server = http.createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...signing, kid: 's', alg: 'RS256', use: 'sig' }] },
    clients: [
      client('basic', 'client_secret_basic', { client_secret: 'a secret with : and %' }),
      client('post', 'client_secret_post', { client_secret: 'post-secret' }),
      client('jwt', 'private_key_jwt', { jwks: { keys: [jwk] } }),
      {
        client_id: 'web', token_endpoint_auth_method: 'none', application_type: 'native', response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token'], redirect_uris: ['http://127.0.0.1/callback'],
      },
    ],
    scopes: ['openid', 'offline_access', 'orders:read', 'orders:write'],
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      jwtIntrospection: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (ctx, resource) => ({
          scope: 'orders:read orders:write', audience: resource,
          accessTokenFormat: resource === 'https://stock.example.com' ? 'jwt' : 'opaque',
        }),
      },
    },
  });
  server.on('request', provider.callback());
  console.log(JSON.stringify({ issuer, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) }));
});
process.stdin.resume().on('end', () => process.exit(0)); // ends with the test
