import { isInputObjectType, isIntrospectionType, isObjectType } from "graphql";

/** A plugin of graphql-codegen: the union of the coordinates of fields, arguments and input fields. */
export function plugin(schema) {
  const all = [];
  for (const type of Object.values(schema.getTypeMap())) {
    const places = isObjectType(type) || isInputObjectType(type);
    if (!places || isIntrospectionType(type) || type.name === "AuthRule") continue; // AuthRule is of the directive
    for (const { name, args = [] } of Object.values(type.getFields())) {
      const field = `${type.name}.${name}`;
      all.push(field, ...args.map((argument) => `${field}(${argument.name}:)`));
    }
  }
  return `/** A place of the schema about which \`permissions\` can be asked. */
export type Coordinate =
${all.map((coordinate) => `  | '${coordinate}'`).join("\n")};
`;
}
