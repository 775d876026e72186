import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  importExtension: ".js",
  config: {
    scalars: { ID: "string", JSON: "unknown", Time: "string" },
    strictScalars: true, // a new scalar stops the generator, instead of becoming `any`
    useTypeImports: true,
    enumsAsConst: true,
    namingConvention: { enumValues: "keep" },
  },
  hooks: {
    // The kit has no dependency, not even for types.
    beforeOneFileWrite: (_: string, text: string) =>
      text.replace(/import .* from '@graphql-typed-document-node\/core';/,
        "import type { TypedDocument as DocumentTypeDecoration } from '../client.js';"),
  },
  generates: {
    // The operations, each with the types of its variables and of its answer.
    "src/gql/": {
      preset: "client",
      documents: "operations/*.graphql",
      presetConfig: { fragmentMasking: false },
      config: { documentMode: "string", pureMagicComment: true },
    },
    // What no operation mentions: the values of enumerations, and the coordinates that `permissions` takes.
    "src/schema.ts": { plugins: ["typescript", "./coordinates.js"], config: { onlyEnums: true } },
  },
};

export default config;
