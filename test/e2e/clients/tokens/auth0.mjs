// Checks an access token as a service would, with Auth0's middleware, whose strict mode is RFC 9068.
//
//   node test/e2e/clients/tokens/auth0.mjs ISSUER AUDIENCE JWKS-URL < token
//
// Exits 0 when the token is accepted, 1 with the reason when it is refused.
import { text } from 'node:stream/consumers';
import { auth } from 'express-oauth2-jwt-bearer';

const [issuer, audience, jwksUri] = process.argv.slice(2);
const token = (await text(process.stdin)).trim();
const tokenSigningAlg = JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).alg;
const check = auth({ issuer, audience, jwksUri, tokenSigningAlg, strict: true });
const headers = { host: new URL(issuer).host, authorization: `Bearer ${token}` };
const get = (name) => headers[name.toLowerCase()];
const request = { method: 'GET', protocol: 'http', url: '/', headers, get, query: {}, is: () => false }; // as Express has it
await check(request, {}, (error) => {
  if (!error) return;
  console.error(`refused: ${error.message}`);
  process.exitCode = 1;
});
