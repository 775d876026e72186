// Checks an access token as a service in JavaScript would, with jose and the server's key set.
//
//   node web/test/jose.mjs ISSUER AUDIENCE JWKS-URL < token
//
// Prints the token's subject. Exits 0 when it is accepted, 1 with the reason when it is refused, and 2 when called
// wrongly.
import { text } from 'node:stream/consumers';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const [issuer, audience, keySet] = process.argv.slice(2);
if (!keySet) {
  console.error('usage: node web/test/jose.mjs ISSUER AUDIENCE JWKS-URL < token');
  process.exit(2);
}
try {
  const keys = createRemoteJWKSet(new URL(keySet));
  const { payload } = await jwtVerify((await text(process.stdin)).trim(), keys, { issuer, audience, typ: 'at+jwt', algorithms: ['EdDSA', 'ES256', 'RS256'] });
  console.log(payload.sub);
} catch (error) {
  console.error(`refused: ${error.code ?? error.message}`);
  process.exit(1);
}
