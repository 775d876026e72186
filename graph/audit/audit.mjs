// Runs the audits of graphql-http (GraphQL over HTTP, the published specification) against a running server:
//
//   node graph/audit/audit.mjs http://127.0.0.1:8080/graphql
//
// prints each audit that is not ok and the count, and exits 1 unless all of them are.
import { auditServer } from 'graphql-http';

const expected = 61; // so that an audit that disappears is noticed

const url = process.argv[2];
if (!url) {
  console.error('usage: node audit.mjs URL');
  process.exit(2);
}

const results = await auditServer({ url, fetchFn: fetch });
const failed = results.filter((result) => result.status !== 'ok');
for (const { id, name, status, reason } of failed) {
  console.log(`${status} ${id} ${name}: ${reason}`);
}
console.log(`${results.length - failed.length} of ${results.length} audits ok`);
if (results.length !== expected) {
  console.log(`there should be ${expected} audits`);
}
process.exit(failed.length === 0 && results.length === expected ? 0 : 1);
