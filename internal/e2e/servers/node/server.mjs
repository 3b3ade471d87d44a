// An API on a loopback port, guarded by the named package as its documentation
// shows: node server.mjs NAME ISSUER AUDIENCE SCOPE. It prints its URL.
import { createServer } from "node:http";

const [name, issuer, audience, scope] = process.argv.slice(2);
const hasScope = (claims) => typeof claims.scope === "string" && claims.scope.split(" ").includes(scope);

const servers = {
  async "express-oauth2-jwt-bearer"() {
    const { default: express } = await import("express");
    const { auth, requiredScopes } = await import("express-oauth2-jwt-bearer");
    const app = express();
    app.get("/orders", auth({ issuerBaseURL: issuer, audience }), requiredScopes(scope), (_, res) => res.send("orders"));
    return createServer(app);
  },

  async jose() {
    const { default: express } = await import("express");
    const { createRemoteJWKSet, errors, jwtVerify } = await import("jose");
    const keys = createRemoteJWKSet(new URL(".well-known/jwks.json", issuer));
    const guard = async (req, res, next) => {
      const [scheme, token, ...more] = (req.headers.authorization ?? "").split(" ");
      if (scheme.toLowerCase() !== "bearer" || !token || more.length) {
        return res.set("WWW-Authenticate", "Bearer").sendStatus(401);
      }
      let claims;
      try {
        claims = (await jwtVerify(token, keys, { issuer, audience, algorithms: ["RS256"] })).payload;
      } catch (err) {
        if (err instanceof errors.JOSEError) {
          return res.set("WWW-Authenticate", 'Bearer error="invalid_token"').sendStatus(401);
        }
        return next(err);
      }
      if (!hasScope(claims)) {
        return res.set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="${scope}"`).sendStatus(403);
      }
      next();
    };
    const app = express();
    app.get("/orders", guard, (_, res) => res.send("orders"));
    return createServer(app);
  },

  async oauth4webapi() {
    const oauth = await import("oauth4webapi");
    const options = { [oauth.allowInsecureRequests]: true };
    const url = new URL(issuer);
    const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, options));
    return createServer(async (req, res) => {
      try {
        const request = new Request(new URL(req.url, `http://${req.headers.host}`), { method: req.method, headers: req.headers });
        const claims = await oauth.validateJwtAccessToken(server, request, audience, options);
        if (!hasScope(claims)) {
          return res.writeHead(403, { "WWW-Authenticate": `Bearer error="insufficient_scope", scope="${scope}"` }).end();
        }
        res.end("orders");
      } catch {
        const sent = req.headers.authorization !== undefined;
        res.writeHead(401, { "WWW-Authenticate": sent ? 'Bearer error="invalid_token"' : "Bearer" }).end();
      }
    });
  },

  async "@fastify/jwt"() {
    const { default: Fastify } = await import("fastify");
    const { default: jwt } = await import("@fastify/jwt");
    const { default: buildGetJwks } = await import("get-jwks");
    const keys = buildGetJwks({ issuersWhitelist: [issuer] });
    const app = Fastify();
    app.register(jwt, {
      decode: { complete: true },
      secret: (_, token) => keys.getPublicKey({ kid: token.header.kid, domain: token.payload.iss, alg: token.header.alg }),
      verify: { algorithms: ["RS256"], allowedIss: issuer, allowedAud: audience },
    });
    app.addHook("onRequest", async (request, reply) => {
      await request.jwtVerify();
      if (!hasScope(request.user)) {
        return reply.code(403).send();
      }
    });
    app.get("/orders", async () => "orders");
    await app.ready();
    return app.server;
  },
};

const server = await servers[name]();
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/orders`));
