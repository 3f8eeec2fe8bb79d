// A client of its own process: publishes and receives as it is told, and prints what came of it.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import pubsubLibrary from "@google-cloud/pubsub";
import { GoogleAuth, OAuth2Client, PassThroughClient } from "google-auth-library";

const { PubSub, v1 } = pubsubLibrary;
const account = JSON.parse(readFileSync(process.env.GOOGLE_APPLICATION_CREDENTIALS, "utf8"));

/** How the client says who it is. */
const identities = {
  // By default the library signs its tokens itself.
  "own token": () => ({}),
  "exchanged token": async () => {
    const client = await new GoogleAuth({ scopes: v1.PublisherClient.scopes }).getClient();
    // The library would ask Google, whatever the file says.
    client.transporter.interceptors.request.add({
      resolved: async (request) => Object.assign(request, { url: new URL(account.token_uri) }),
    });
    const { token } = await client.getAccessToken();
    if (!token.startsWith("ya29.")) throw new Error(`not from the token endpoint: ${token}`);
    const only = new OAuth2Client();
    only.setCredentials({ access_token: token });
    return { authClient: only };
  },
  "no token": () => ({ authClient: new PassThroughClient() }),
  "token of another key": () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    return { credentials: { ...account, private_key: privateKey.export({ type: "pkcs8", format: "pem" }) } };
  },
};

async function cycle(identity) {
  // The library takes the name of a host that isn't Google's for an emulator's, which knows no TLS.
  const service = { apiEndpoint: process.env.ENDPOINT, emulatorMode: false };
  const pubsub = new PubSub({ projectId: "project-1", ...service, ...identity });
  const [topic] = await pubsub.createTopic("events");
  const [subscription] = await topic.createSubscription("worker");
  await topic.publishMessage({ data: Buffer.from("hello") });
  const message = await new Promise((resolve, reject) => subscription.on("error", reject).on("message", resolve));
  message.ack();
  await pubsub.close();
  return { data: message.data.toString() };
}

const identity = await identities[process.argv[2]]();
const outcome = await cycle(identity).catch((error) => {
  console.error(error);
  return { code: error.code, details: error.details };
});
process.stdout.write(JSON.stringify(outcome), () => process.exit());
