// Checks an access token as a service would, with oauth4webapi, which holds it to RFC 9068, and the server's metadata.
//
//   node test/e2e/clients/tokens/oauth4webapi.mjs ISSUER AUDIENCE < token
//
// Exits 0 when the token is accepted, 1 with the reason when it is refused.
import { text } from 'node:stream/consumers';
import * as oauth from 'oauth4webapi';

const [issuer, audience] = process.argv.slice(2);
const loopback = { [oauth.allowInsecureRequests]: true }; // http
const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...loopback });
const server = await oauth.processDiscoveryResponse(new URL(issuer), found);
const authorization = `Bearer ${(await text(process.stdin)).trim()}`;
try {
  await oauth.validateJwtAccessToken(server, new Request(issuer, { headers: { authorization } }), audience, loopback);
} catch (error) {
  console.error(`refused: ${error.message}`);
  process.exit(1);
}
