// Calls gRPC servers. What it needs is on its standard input, as JSON. Prints what came of each call as JSON. Any error that
// is not the server's ends it with a status other than 0.
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as dpop from "dpop";

const input = JSON.parse(readFileSync(0, "utf8"));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(input.descriptors, "base64")));
const service = registry.getService("test.Echo");
const errorInfo = registry.getMessage("google.rpc.ErrorInfo");

// outcome describes the end of a call.
async function outcome(call) {
  try {
    return { code: "ok", value: await call() };
  } catch (error) {
    if (!(error instanceof ConnectError) || error.cause !== undefined) throw error;
    const [info] = error.findDetails(errorInfo);
    return { code: Code[error.code], reason: info?.reason, challenge: error.metadata.get("www-authenticate") };
  }
}

// chat sends the words on one stream, each after the echo of the last, and returns how many echoes came. The words are
// also counted if the stream ends with an error.
async function chat(client, words, headers, count = { received: 0 }) {
  let next = () => {};
  async function* send() {
    for (const value of words) {
      const echo = new Promise((resolve) => { next = resolve; });
      yield { value };
      await echo;
    }
  }
  for await (const message of client.chat(send(), { headers })) {
    if (message.value !== words[count.received]) throw new Error(`the echo of ${words[count.received]} is ${message.value}`);
    count.received++;
    next();
  }
  return String(count.received);
}

const key = await dpop.generateKeyPair("ES256", { extractable: false });
async function boundToken() {
  const response = await fetch(input.tokenEndpoint, {
    method: "POST",
    headers: { DPoP: await dpop.generateProof(key, input.tokenEndpoint, "POST") },
    body: new URLSearchParams({
      grant_type: "client_credentials", client_id: "demo-client", client_secret: "demo-secret",
      audience: "https://api.example.com", scope: "orders:read",
    }),
  });
  if (!response.ok) throw new Error(`the token endpoint responded with ${response.status}: ${await response.text()}`);
  return (await response.json()).access_token;
}

const result = {};
for (const server of input.servers) {
  const connect = (more) => createClient(service, createGrpcTransport({
    baseUrl: server.url, httpVersion: "2", nodeOptions: server.ca ? { ca: input.ca, ...more } : {},
  }));
  const client = connect();
  const bearer = (token) => async () => ({ authorization: `Bearer ${token}` });
  const cases = { none: [client, async () => ({})] };
  for (const [name, token] of Object.entries(server.tokens)) cases[name] = [client, bearer(token)];
  if (server.certificate) cases["bound to the certificate"] = [connect({ cert: input.cert, key: input.key }), bearer(server.certificate)];
  if (server.proofs) {
    const bound = await boundToken();
    const proven = (path) => async (rpc) => ({
      authorization: `DPoP ${bound}`,
      dpop: await dpop.generateProof(key, `${server.url}/test.Echo/${path(rpc)}`, "POST", undefined, bound),
    });
    cases["bound to the key"] = [client, proven((rpc) => rpc)];
    cases["bound to the key, with another method's proof"] = [client, proven(() => "Other")];
    cases["bound to the key, as a bearer token"] = [client, bearer(bound)];
  }
  result[server.name] = {};
  for (const [name, [by, headers]] of Object.entries(cases)) {
    result[server.name][name] = {
      say: await outcome(async () => (await by.say({ value: "a" }, { headers: await headers("Say") })).value),
      chat: await outcome(async () => chat(by, ["a", "b", "c"], await headers("Chat"))),
    };
  }
  if (server.long) {
    const words = Array.from({ length: 1000 }, (_, i) => (i === 500 ? server.long.word : `word ${i}`));
    const headers = await bearer(server.long.token)();
    const count = { received: 0 };
    const end = await outcome(async () => chat(client, words, headers, count));
    end.value = String(count.received);
    result[server.name].long = { chat: end, say: await outcome(async () => (await client.say({ value: "a" }, { headers })).value) };
  }
}
console.log(JSON.stringify(result));
process.exit(0); // connections that are kept open would keep the program
