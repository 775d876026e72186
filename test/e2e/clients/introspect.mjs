// Reads the schema of a running server as tools do, and holds that it can be used:
//
//   node test/e2e/clients/introspect.mjs FOLDER SERVER
//
// FOLDER has the packages: graphql16 or graphql17. It exits 1 when a tool throws, or when the answer of introspection has
// other directives than the served SDL.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [folder, server] = process.argv.slice(2);
const require = createRequire(resolve(folder, 'package.json'));
const graphql = require('graphql');

async function introspect(options) {
  const response = await fetch(`${server}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: graphql.getIntrospectionQuery(options) }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  return data;
}

const sdl = graphql.buildSchema(await (await fetch(`${server}/schema.graphql`)).text());
const names = (schema) => schema.getDirectives().map(({ name }) => name).sort();
const everything = {
  descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true,
  inputValueDeprecation: true, oneOf: true,
};
for (const options of [{}, everything]) {
  const data = await introspect(options);
  const schema = graphql.buildClientSchema(data);
  assert.deepEqual(graphql.validateSchema(schema), []);
  assert.deepEqual(names(schema), names(sdl), 'the directives of introspection and of the served SDL differ');
  assert.deepEqual(graphql.graphqlSync({ schema, source: '{ __typename }' }).errors, undefined);
  for (const type of Object.keys(sdl.getTypeMap())) {
    assert.ok(schema.getType(type), `introspection has no ${type}`);
  }
  if (options.specifiedByUrl) {
    for (const [name, type] of Object.entries(sdl.getTypeMap())) {
      assert.equal(schema.getType(name).specifiedByURL, type.specifiedByURL, name);
    }
  }
}

const { dependencies } = require('./package.json');
if (dependencies['@graphql-tools/mock']) {
  const { addMocksToSchema } = require('@graphql-tools/mock');
  const schema = graphql.buildClientSchema(await introspect(everything));
  const mocked = addMocksToSchema({ schema, mocks: { Time: () => '2026-01-01T00:00:00Z' } });
  const { data, errors } = await graphql.graphql({ schema: mocked, source: '{ me { id createdAt } }' });
  assert.equal(errors, undefined);
  assert.equal(data.me.createdAt, '2026-01-01T00:00:00Z');
}
if (dependencies['@graphql-codegen/core']) {
  const { codegen } = require('@graphql-codegen/core');
  const schema = graphql.buildClientSchema(await introspect(everything));
  const text = await codegen({
    schema: graphql.parse(graphql.printSchema(schema)), schemaAst: schema, documents: [], config: {}, filename: 'types.ts',
    plugins: [{ typescript: {} }], pluginMap: { typescript: require('@graphql-codegen/typescript') },
  });
  assert.match(text, /export type User = /);
}
console.log(`graphql ${graphql.version}: ${names(sdl).join(', ')}`);
