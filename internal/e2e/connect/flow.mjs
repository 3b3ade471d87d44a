// Calls an API by Connect, gRPC and gRPC-Web. What it needs is on its standard input, as JSON. Prints what came of each
// call as JSON. Any error that is not the API's ends it with a status other than 0.
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as dpop from "dpop";

const input = JSON.parse(readFileSync(0, "utf8"));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(input.descriptors, "base64")));
const service = registry.getService("test.Echo");
const errorInfo = registry.getMessage("google.rpc.ErrorInfo");

const protocols = {
  "Connect, HTTP/1.1": (o) => createConnectTransport({ ...o, httpVersion: "1.1" }),
  "Connect, JSON": (o) => createConnectTransport({ ...o, httpVersion: "2" }),
  "Connect, binary": (o) => createConnectTransport({ ...o, httpVersion: "2", useBinaryFormat: true }),
  "Connect, GET": (o) => createConnectTransport({ ...o, httpVersion: "2", useHttpGet: true }),
  "gRPC": (o) => createGrpcTransport({ ...o, httpVersion: "2" }),
  "gRPC-Web, HTTP/1.1": (o) => createGrpcWebTransport({ ...o, httpVersion: "1.1" }),
  "gRPC-Web": (o) => createGrpcWebTransport({ ...o, httpVersion: "2" }),
};

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

// last reads a stream and returns its last message.
async function last(stream) {
  let value;
  for await (const message of stream) value = message.value;
  return value;
}

async function* words() {
  for (const value of ["a", "b", "c"]) yield { value };
}

// calls makes one call of each kind. The headers are those of a method.
async function calls(transport, headers) {
  const client = createClient(service, transport);
  return {
    say: await outcome(async () => (await client.say({ value: "a" }, { headers: await headers("Say") })).value),
    watch: await outcome(async () => last(client.watch({ value: "a" }, { headers: await headers("Watch") }))),
    gather: await outcome(async () => (await client.gather(words(), { headers: await headers("Gather") })).value),
    unnamed: await outcome(async () => (await client.unnamed({ value: "a" }, { headers: await headers("Unnamed") })).value),
  };
}

const bearer = (token) => async () => ({ authorization: `Bearer ${token}` });

const key = await dpop.generateKeyPair("ES256", { extractable: false });
const bound = await (async () => {
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
})();

const result = {};
for (const [name, make] of Object.entries(protocols)) {
  const plain = { baseUrl: input.url, nodeOptions: { ca: input.ca } };
  const transport = make(plain);
  const withCertificate = make({ baseUrl: input.url, nodeOptions: { ca: input.ca, cert: input.cert, key: input.key } });
  const method = name === "Connect, GET" ? "GET" : "POST";
  const proven = (proofMethod, path = (rpc) => rpc) => async (rpc) => ({
    authorization: `DPoP ${bound}`,
    // Only Say may be sent by GET.
    dpop: await dpop.generateProof(key, `${input.url}/test.Echo/${path(rpc)}`, rpc === "Say" ? proofMethod : "POST", undefined, bound),
  });
  result[name] = {
    none: await calls(transport, async () => ({})),
    good: await calls(transport, bearer(input.tokens.good)),
    bad: await calls(transport, bearer(input.tokens.bad)),
    expired: await calls(transport, bearer(input.tokens.expired)),
    scopeless: await calls(transport, bearer(input.tokens.scopeless)),
    "bound to the certificate": await calls(withCertificate, bearer(input.tokens.certificate)),
    "bound to a certificate that is missing": await calls(transport, bearer(input.tokens.certificate)),
    "bound to the key": await calls(transport, proven(method)),
    "bound to the key, with another procedure's proof": await calls(transport, proven(method, () => "Other")),
    "bound to the key, as a bearer token": await calls(transport, bearer(bound)),
  };
}
console.log(JSON.stringify(result));
process.exit(0); // connections that are kept open would keep the program
