import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  importExtension: ".js",
  config: {
    scalars: { ID: "string", JSON: "unknown", Time: "string" },
    strictScalars: true, // a new scalar stops the generator, instead of becoming `any`
    useTypeImports: true,
  },
  generates: {
    // The operations found in the sources, each with the types of its variables and of its answer.
    "src/gql/": {
      preset: "client",
      documents: "src/*.ts",
      presetConfig: { fragmentMasking: false },
      config: { documentMode: "string" },
    },
  },
};

export default config;
